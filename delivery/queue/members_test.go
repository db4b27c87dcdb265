package queue

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// owners returns who holds each piece of work to be his; ok when each has one owner.
func owners(all map[string]*Members, pieces int) (by map[string][]string, ok bool) {
	by, ok = map[string][]string{}, true
	for n := range pieces {
		work, found := fmt.Sprintf("t%02d", n), 0
		for name, m := range all {
			if m.Mine(work) {
				by[name] = append(by[name], work)
				found++
			}
		}
		ok = ok && found == 1
	}
	return by, ok
}

func TestMembersShareOutTheWork(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir())
	join := func(name string) *Members {
		q := connect(t, Options{Embedded: server, Name: name, LeaseTTL: 2 * time.Second})
		return must[*Members](t)(q.Join(t.Context(), "kind"))
	}
	const pieces = 64
	all := map[string]*Members{}
	for _, name := range []string{"alpha-1", "alpha-2", "alpha-3"} {
		all[name] = join(name)
	}
	var before map[string][]string
	eventually(t, "each piece has one owner", func() (ok bool) { before, ok = owners(all, pieces); return ok && len(before) == 3 })
	for name, has := range before {
		if len(has) < pieces/3-14 || len(has) > pieces/3+14 {
			t.Errorf("%s has %d of %d pieces", name, len(has), pieces)
		}
	}

	// One dies without a word: his pieces, and no others, go to the rest.
	all["alpha-2"].stop()
	all["alpha-2"].work.Wait()
	dead := before["alpha-2"]
	delete(all, "alpha-2")
	var after map[string][]string
	eventually(t, "the dead member's work is taken over", func() (ok bool) { after, ok = owners(all, pieces); return ok })
	for name, had := range before {
		for _, work := range had {
			if name != "alpha-2" && !slices.Contains(after[name], work) {
				t.Errorf("%s lost %s", name, work)
			}
		}
	}
	if len(after["alpha-1"])+len(after["alpha-3"]) != pieces || len(dead) == 0 {
		t.Errorf("after the death: %v", after)
	}

	// One takes leave: the last does all.
	all["alpha-1"].Leave()
	delete(all, "alpha-1")
	eventually(t, "the last one has it all", func() bool { by, ok := owners(all, pieces); return ok && len(by["alpha-3"]) == pieces })
	all["alpha-3"].Leave()
}

// A member whose end nobody was told of, as when the server that would have told forgot
// it, is taken for gone when it has not renewed for long enough.
func TestASilentMemberIsGone(t *testing.T) {
	const ttl = time.Minute
	m := &Members{q: &Queue{opt: Options{LeaseTTL: ttl}}, key: "member.a", heard: map[string]heard{}}
	for n := range 8 {
		m.heard[fmt.Sprintf("member.alive-%d", n)] = heard{at: time.Now().Add(-ttl)}
		m.heard[fmt.Sprintf("member.dead-%d", n)] = heard{at: time.Now().Add(-2*ttl - time.Second)}
	}
	mine := 0
	for n := range 900 {
		if m.Mine(fmt.Sprint(n)) {
			mine++
		}
	}
	if mine < 60 || mine > 140 {
		t.Errorf("one of nine who are alive has %d of 900 pieces of work", mine)
	}
}
