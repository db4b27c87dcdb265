package campaign

import "fmt"

// Lane is a queue of jobs on JetStream: one per large mailbox site, so that its
// trouble stays its own, and a few tail lanes shared by all small sites by hash of
// the domain. The numbers are stored in the ledger: append, never renumber.
type Lane int16

// The named lanes. Tail lane i is TailLane + i.
const (
	LaneGoogle Lane = iota + 1
	LaneMicrosoft
	LaneYahoo
	LaneApple
	LaneComcast
	LaneGMX
	LaneOrange
	LaneMailRu

	TailLane Lane = 100
)

var laneNames = [...]string{"", "google", "microsoft", "yahoo", "apple", "comcast", "gmx", "orange", "mailru"}

// NamedLanes returns the lanes of the large sites.
func NamedLanes() []Lane {
	lanes := make([]Lane, 0, len(laneNames)-1)
	for l := LaneGoogle; int(l) < len(laneNames); l++ {
		lanes = append(lanes, l)
	}
	return lanes
}

// Tail reports whether the lane is shared by small sites.
func (l Lane) Tail() bool { return l >= TailLane }

// titles are the lanes as people call them.
var titles = [...]string{"", "Gmail", "Microsoft", "Yahoo", "Apple iCloud", "Comcast", "GMX and WEB.DE", "Orange", "Mail.ru"}

// Title is the lane as people call it; those that small sites share have one for all.
func (l Lane) Title() string {
	if l > 0 && int(l) < len(titles) {
		return titles[l]
	}
	return "the small sites"
}

// String is the lane's subject token: lower-case letters and digits only.
func (l Lane) String() string {
	if l.Tail() {
		return fmt.Sprintf("t%02d", l-TailLane)
	}
	if l > 0 && int(l) < len(laneNames) {
		return laneNames[l]
	}
	return fmt.Sprintf("lane%d", int16(l))
}
