package ratelimit

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// table is the value of a key in the bucket: which slots are taken, and who may have
// how many connections. All times are on the server's clock, in Unix nanoseconds.
//
// Invariants: no slot is given to two processes; what was taken stays taken, used or
// not; a process changes only its own member; and the members' connections are together
// at most the limit, unless the limit has been lowered.
type table struct {
	// Rate made the grid: slots are spacing(Rate) apart, and are taken in units.
	Rate float64 `json:"rate"`
	// Start is the first slot of unit 0; bit i of Taken says that unit i is taken.
	Start int64  `json:"start"`
	Taken uint64 `json:"taken"`
	// Last is the last slot that was ever taken, and not given back. Another grid begins
	// after it.
	Last    int64    `json:"last"`
	Members []member `json:"members"`
}

// member is what one process has of a key, and would like to have.
type member struct {
	Name string `json:"name"`
	// Rate and Limit are the limits that it was told. The lowest of all hold.
	Rate  float64 `json:"rate"`
	Limit int     `json:"limit"`
	// Connections are its own until Until, and a margin; Want is how many it would use.
	Connections int `json:"connections"`
	Want        int `json:"want"`
	// Pace is how many messages a second it would send.
	Pace  float64 `json:"pace"`
	Until int64   `json:"until"`
}

// written is when the member wrote last.
func (m member) written() int64 { return m.Until - int64(lease) }

const (
	// horizon is how far ahead slots are taken: what a process that dies leaves unused.
	horizon = 600 * time.Millisecond
	// leastUnit is how long slots take that are taken as one: 64 units reach beyond the
	// horizon. At most mostAbreast units lie side by side, see grid.
	leastUnit   = 16 * time.Millisecond
	mostAbreast = 8
	// furthest is how far ahead a slot may be in use: in a frame that begins at the
	// horizon. The longest frame has mostAbreast units of as many slots.
	furthest = horizon + mostAbreast*leastUnit*mostAbreast/(mostAbreast-1) + late + skew
	// mostRate keeps slots apart; more is no limit in practice. Below leastRate, three
	// messages a year, nothing leaves.
	mostRate  = 1e6
	leastRate = 1e-7
	// lease is how long a member's connections are its own after it wrote, stopEarly how
	// long before that end it gives them up if it could not renew, and margin how long
	// after that end others wait.
	lease     = 7 * time.Second
	stopEarly = 3 * time.Second
	margin    = time.Second
)

func decodeTable(b []byte) (table, error) {
	var t table
	if err := json.Unmarshal(b, &t); err != nil {
		return table{}, fmt.Errorf("a table of limits cannot be read: %w", err)
	}
	const latest = 1 << 62 // in the next century
	if t.Rate != 0 && (t.Rate < leastRate || t.Rate > mostRate) || min(t.Start, t.Last) < 0 || max(t.Start, t.Last) > latest {
		return table{}, fmt.Errorf("a table of limits is out of range: rate %v, start %d, last %d", t.Rate, t.Start, t.Last)
	}
	for _, m := range t.Members {
		if m.Rate != 0 && (m.Rate < leastRate || m.Rate > mostRate) || min(m.Limit, m.Connections, m.Want) < 0 || !(m.Pace >= 0) {
			return table{}, fmt.Errorf("a table of limits has a member out of range: %+v", m)
		}
	}
	return t, nil
}

func (t *table) encode() ([]byte, error) { return json.Marshal(t) }

// grid is how slots lie and make units. Some units lie side by side, as combs do whose
// teeth take turns, and make a frame: each unit has slots in all of its frame. So who has
// a part of a high rate has a slot at any time, and no message has to wait for its
// process's turn.
type grid struct {
	apart   time.Duration // between slots
	group   int           // slots of a unit
	abreast int           // units of a frame
}

func (t *table) grid() grid {
	apart := spacing(t.Rate)
	group := int(max((leastUnit+apart-1)/apart, 1))
	return grid{apart, group, min(group, mostAbreast)}
}

// frame is how long a frame takes.
func (g grid) frame() int64 { return int64(g.apart) * int64(g.group) * int64(g.abreast) }

// block is a row of slots that belong to one process.
type block struct {
	start int64
	apart time.Duration
	n     int
}

// unit is unit i as slots.
func (t *table) unit(i int) block {
	g := t.grid()
	start := t.Start + int64(i/g.abreast)*g.frame() + int64(i%g.abreast)*int64(g.apart)
	return block{start: start, apart: g.apart * time.Duration(g.abreast), n: g.group}
}

// left is how many of the block's slots are not past at a time.
func (b block) left(now int64) int {
	if now <= b.start {
		return b.n
	}
	past := (now - b.start + int64(b.apart) - 1) / int64(b.apart)
	return b.n - int(min(past, int64(b.n)))
}

// last is the block's last slot.
func (b block) last() int64 { return b.start + int64(b.n-1)*int64(b.apart) }

// units is how many units begin before the horizon.
func (t *table) units(now int64) int {
	if t.Rate <= 0 {
		return 0
	}
	g := t.grid()
	ahead := now + int64(horizon) - t.Start
	if ahead < 0 {
		return 0
	}
	frames, rest := ahead/g.frame(), ahead%g.frame()
	return int(min(frames*int64(g.abreast)+min(rest/int64(g.apart)+1, int64(g.abreast)), 64))
}

// advance forgets what is past: expired members, and units too old to be used. A grid
// with nothing taken begins now, or as soon as the slot taken last allows. Nobody takes
// what is beyond the horizon: such a table was written while the server's clock ran
// ahead, and is begun anew.
func (t *table) advance(now int64) {
	if t.Last > now+2*int64(horizon) {
		t.Last, t.Taken = now+int64(horizon), 0
	}
	for i := range t.Members {
		t.Members[i].Until = min(t.Members[i].Until, now+int64(lease+margin))
	}
	t.Members = slices.DeleteFunc(t.Members, func(m member) bool { return m.Until+int64(margin) < now })
	if t.Rate <= 0 {
		return
	}
	g := t.grid()
	if over := now - int64(late) - t.unit(g.abreast-1).last(); over > 0 {
		n := over/g.frame() + 1
		t.Start += n * g.frame()
		t.Taken >>= min(n*int64(g.abreast), 64)
	}
	if t.Taken == 0 {
		t.begin(max(now, t.Last+int64(g.apart)))
	}
}

// begin lays the grid. Where the table may be forgotten between two slots, they lie at
// round times, so that a table that begins again has the same ones.
func (t *table) begin(at int64) {
	if apart := int64(spacing(t.Rate)); apart > int64(forgetAfter/2) {
		at = (at + apart - 1) / apart * apart
	}
	t.Start = at
}

// setRate lays another grid, after the last slot taken.
func (t *table) setRate(rate float64, now int64) {
	if rate == t.Rate {
		return
	}
	t.Rate, t.Taken = rate, 0
	if rate > 0 {
		t.begin(max(now, t.Last+int64(spacing(rate))))
	}
}

func (t *table) free(i int) bool { return t.Taken&(1<<i) == 0 }

func (t *table) take(i int) block {
	b := t.unit(i)
	t.Taken |= 1 << i
	t.Last = max(t.Last, b.last())
	return b
}

// giveBack frees a unit whose owner uses none of it, if the table still has it.
func (t *table) giveBack(b block) bool {
	if t.Rate <= 0 {
		return false
	}
	for i := range 64 {
		if t.Taken>>i == 0 {
			break
		}
		if !t.free(i) && t.unit(i) == b {
			t.Taken &^= 1 << i
			t.lower()
			return true
		}
	}
	return false
}

// lower sets Last back to what is still taken; what was used before Start lies before it.
func (t *table) lower() {
	last := t.Start - int64(t.grid().apart)
	if n := bits.Len64(t.Taken); n > 0 {
		last = t.unit(n - 1).last()
	}
	t.Last = min(t.Last, last)
}

// firstFree is the first slot that nobody has.
func (t *table) firstFree() int64 { return t.unit(bits.TrailingZeros64(^t.Taken)).start }

// limits are the lowest that any member was told: after a change they hold when the
// first has heard of lower ones, and the last of higher ones.
func (t *table) limits() Limits {
	l := Limits{Rate: t.Members[0].Rate, Connections: t.Members[0].Limit}
	for _, m := range t.Members[1:] {
		l.Rate, l.Connections = min(l.Rate, m.Rate), min(l.Connections, m.Limit)
	}
	return l
}

// set writes a process's own member and returns its place. Members are in the order of
// their names.
func (t *table) set(m member) int {
	i, found := slices.BinarySearchFunc(t.Members, m.Name, func(o member, name string) int { return strings.Compare(o.Name, name) })
	if found {
		t.Members[i] = m
	} else {
		t.Members = slices.Insert(t.Members, i, m)
	}
	return i
}

// member is what a process has written of itself.
func (t *table) member(name string) (member, bool) {
	for _, m := range t.Members {
		if m.Name == name {
			return m, true
		}
	}
	return member{}, false
}

func (t *table) remove(name string) {
	t.Members = slices.DeleteFunc(t.Members, func(m member) bool { return m.Name == name })
}

// share is how many connections a member may have: its fair share, as far as the others
// have given up what is more than theirs. What nobody wants stays with who has it.
func (t *table) share(me, limit int, now int64) (may, fair int) {
	wants := make([]int, len(t.Members))
	for i, m := range t.Members {
		wants[i] = m.Want
	}
	shares := shareConnections(limit, wants, now)
	left := limit
	for _, n := range shares {
		left -= n
	}
	for i, m := range t.Members {
		kept := min(max(m.Connections-shares[i], 0), max(left, 0))
		shares[i] += kept
		left -= kept
	}
	return max(min(shares[me], limit-t.othersConnections(me)), 0), shares[me]
}

// othersWant reports whether another member wants more connections than it has.
func (t *table) othersWant(me int) bool {
	for i, m := range t.Members {
		if i != me && m.Want > m.Connections {
			return true
		}
	}
	return false
}

// sharePace is a member's share of the rate: a fair one of what is scarce, and an equal
// one of what nobody asks for, so that a message finds its slot at once. Who has
// no connection gets none, nor who let several turns pass: it is dead, or has nothing to
// send.
func (t *table) sharePace(me int, now int64) float64 {
	g := t.grid()
	rate := float64(time.Second) / float64(g.apart)
	silent := 3*tick + time.Duration(2*len(t.Members)*g.group)*g.apart
	wants := make([]float64, 0, len(t.Members))
	place := 0
	for i, m := range t.Members {
		if i == me {
			place = len(wants)
		} else if m.Connections == 0 || m.written() < now-int64(silent) {
			continue
		}
		wants = append(wants, m.Pace)
	}
	shares := sharePaces(rate, wants)
	for _, s := range shares {
		rate -= s
	}
	return shares[place] + max(rate, 0)/float64(len(shares))
}

// othersConnections are the connections of all members but one.
func (t *table) othersConnections(me int) (n int) {
	for i, m := range t.Members {
		if i != me {
			n += m.Connections
		}
	}
	return n
}
