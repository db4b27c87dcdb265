package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/store"
)

// joined are the memberships of people: by person and list.
type joined map[campaign.ContactID]map[campaign.ListID]string

// What a membership may be, best first; and excluded, whatever it is.
var standings = []string{"subscribed", "lapsed", "left", "excluded"}

// fillLists makes lists "1" to "n", with people whose attribute n is their number.
func fillLists(t testing.TB, url string, n int, people joined) {
	t.Helper()
	raw := rawDB(t, url)
	insert := func(into string, rows []string) {
		t.Helper()
		for part := range slices.Chunk(rows, 5000) {
			if _, err := raw.ExecContext(t.Context(), "INSERT INTO "+into+" VALUES "+strings.Join(part, ",")); err != nil {
				t.Fatalf("%s: %v", into, err)
			}
		}
	}
	var lists, contacts, members []string
	for l := range n {
		lists = append(lists, fmt.Sprintf("(%d, '%d', 1)", l+1, l+1))
	}
	for id, of := range people {
		contacts = append(contacts, fmt.Sprintf(`(%d, 'p%d@example.org', '', '{"n":%d}', 1, 1, 0)`, id, id, id))
		for list, s := range of {
			until := map[string]int64{"lapsed": now.Add(-time.Hour).UnixMilli()}[s]
			members = append(members, fmt.Sprintf("(%d, %d, %d, 1, 0, %d)", list, id, map[string]int{"left": 1}[s], until))
		}
	}
	insert("lists (id, name, created)", lists)
	insert("contacts (id, address, spelling, attributes, created, updated, import)", contacts)
	insert("members (list, contact, status, changed, import, consent_until)", members)
	const count = "(SELECT COUNT(*) FROM members WHERE list = lists.id AND status = "
	if _, err := raw.ExecContext(t.Context(), "UPDATE lists SET subscribed = "+count+"0), unsubscribed = "+count+"1)"); err != nil {
		t.Fatal(err)
	}
}

// scattered are people in many lists, a few, one or none, close together and far apart, with
// wide gaps between their numbers; list 1 has most of the last ones.
func scattered(lists int) joined {
	random := rand.New(rand.NewPCG(1, 2))
	people := joined{}
	add := func(id campaign.ContactID, n int) {
		people[id] = map[campaign.ListID]string{}
		for range n {
			people[id][campaign.ListID(2+random.IntN(lists-1))] = standings[max(0, random.IntN(8)-5)]
		}
	}
	for i := range campaign.ContactID(150) {
		add(1+i, random.IntN(3))
		add(100_000+37*i, 1)
		add(9_000_000+i, random.IntN(2))
		if i%10 == 0 {
			add(2000+i, 40)
		}
		if i%4 > 0 {
			people[9_000_000+i][1] = "subscribed"
		}
	}
	return people
}

// truth is what an audience's pages must have, of each person once.
func (j joined) truth(a campaign.Audience) []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(j)) {
		best, lists := "", 0
		for list, s := range j[id] {
			if slices.Contains(a.Lists, list) {
				lists++
				if best == "" || slices.Index(standings, s) < slices.Index(standings, best) {
					best = s
				}
			}
		}
		if slices.ContainsFunc(a.Exclude, func(l campaign.ListID) bool { return j[id][l] != "" }) {
			if !a.ShowExcluded {
				continue
			}
			best = "excluded"
		}
		if lists > 0 {
			all = append(all, fmt.Sprintf("%d %s %d", id, best, lists))
		}
	}
	return all
}

func shown(m campaign.AudienceMember) string {
	standing := "left"
	switch {
	case m.Excluded:
		standing = "excluded"
	case m.Subscribed:
		standing = "subscribed"
	case m.Lapsed:
		standing = "lapsed"
	}
	return fmt.Sprintf("%d %s %d", m.ID, standing, m.Lists)
}

func someLists(from, to campaign.ListID) []campaign.ListID {
	var ids []campaign.ListID
	for l := from; l <= to; l++ {
		ids = append(ids, l)
	}
	return ids
}

// Pages of any size join to everybody, however many lists there are and however the numbers
// of their people lie.
func TestAudienceOfManyLists(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		const lists = 510 // more than SQLite has parts in a query
		people := scattered(lists)
		fillLists(t, url, lists, people)
		for name, a := range map[string]campaign.Audience{
			"one":                  {Lists: someLists(1, 1)},
			"one, others left out": {Lists: someLists(1, 1), Exclude: someLists(2, 90)},
			"one, others shown":    {Lists: someLists(1, 1), Exclude: someLists(2, 90), ShowExcluded: true},
			"a few":                {Lists: []campaign.ListID{3, 1, 3, 2}},
			"twenty of few people": {Lists: someLists(2, 21)},
			"most":                 {Lists: someLists(1, 450), Exclude: someLists(440, 470)},
			"all":                  {Lists: someLists(1, lists)},
			"all, one shown":       {Lists: someLists(1, lists+1), Exclude: someLists(1, 1), ShowExcluded: true},
			"all but nearly all":   {Lists: someLists(1, lists), Exclude: someLists(1, 500)},
		} {
			a.At = now
			want := people.truth(a)
			limits := []int{120, 5000}
			if len(a.Lists) < 100 {
				limits = append(limits, 25)
			}
			for _, limit := range limits {
				var got []string
				for after, last := campaign.ContactID(0), false; !last; {
					page := must(db.AudiencePage(t.Context(), a, after, limit))(t)
					for _, m := range page {
						after = m.ID
						got = append(got, shown(m))
					}
					last = len(page) < limit
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, pages of %d: %d people, want %d\n%.300q\n%.300q", name, limit, len(got), len(want), got, want)
				}
			}
		}
	})
}

// A glance that has time is the truth. One that has none says the least, and about how many:
// never less than that, nor more than that and all memberships that it did not count.
func TestGlance(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		const lists = 200
		people := scattered(lists)
		fillLists(t, url, lists, people)
		for name, spec := range map[string]campaign.Spec{
			"one":           {Lists: []string{"1"}},
			"two, less one": {Lists: []string{"1", "2"}, Exclude: []string{"3"}},
			"twenty":        {Lists: named(2, 21)},
			"all":           {Lists: named(1, lists)},
			"all less one":  {Lists: named(1, lists), Exclude: []string{"1"}},
		} {
			for _, spec.Segment = range []string{"", "n % 3 == 0", "n > 9000000"} {
				want, memberships := glanceable(people, spec)
				g := glance(t, db, spec, time.Hour, 0)
				if !g.Complete || g.Recipients != want || g.About != want {
					t.Errorf("%s, %q: %d, about %d, complete %v, want %d", name, spec.Segment, g.Recipients, g.About, g.Complete, want)
				}
				g = glance(t, db, spec, 0, 0)
				if g.Recipients > want || g.About < g.Recipients || g.About > g.Recipients+memberships-g.Members {
					t.Errorf("%s, %q, in no time: %d of %d, about %d, want %d of %d memberships", name, spec.Segment, g.Recipients, g.Members, g.About, want, memberships)
				}
			}
		}
	})
}

// An estimate counts people once, in however many lists they are, and does not take those
// behind a gap in their numbers for all that is in it.
func TestGlanceEstimates(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, url string) {
		people := joined{}
		for i := campaign.ContactID(1); i <= 1000; i++ {
			people[i] = map[campaign.ListID]string{1: "subscribed", 2: "subscribed", 3: "left"}
			people[9000+i] = map[campaign.ListID]string{1: "subscribed", 2: "left", 4: "subscribed"}
		}
		fillLists(t, url, 4, people)
		for _, test := range []struct {
			segment string
			want    int64
		}{{"", 2000}, {"n % 4 == 0", 500}, {"n > 5000", 1000}, {"n < 5000", 1000}} {
			for _, lists := range [][]string{{"1"}, named(1, 4)} {
				g := glance(t, db, campaign.Spec{Lists: lists, Segment: test.segment}, time.Minute, time.Hour)
				if off := max(g.About-test.want, test.want-g.About); g.Complete || off > test.want/8 {
					t.Errorf("%d lists, %q: about %d, want %d", len(lists), test.segment, g.About, test.want)
				}
			}
		}
	})
}

// glance glances at an audience; a time passes whenever somebody looks at the clock.
func glance(t *testing.T, db *store.DB, spec campaign.Spec, limit, passes time.Duration) campaign.Glance {
	t.Helper()
	clock := now
	s := campaign.Service{Store: db, Now: func() time.Time {
		clock = clock.Add(passes)
		return clock
	}}
	return must(s.Glance(t.Context(), spec, limit))(t)
}

// glanceable is how many people a spec reaches, and how many memberships its lists have.
func glanceable(people joined, spec campaign.Spec) (recipients, memberships int64) {
	of := func(names []string) (ids []campaign.ListID) {
		for _, name := range names {
			var id campaign.ListID
			_, _ = fmt.Sscan(name, &id) // made by named
			ids = append(ids, id)
		}
		return ids
	}
	for _, line := range people.truth(campaign.Audience{Lists: of(spec.Lists), Exclude: of(spec.Exclude), ShowExcluded: true}) {
		var id, lists int64
		var standing string
		_, _ = fmt.Sscan(line, &id, &standing, &lists) // made by truth
		memberships += lists
		meant := map[string]bool{"": true, "n % 3 == 0": id%3 == 0, "n > 9000000": id > 9_000_000}[spec.Segment]
		if standing == "subscribed" && meant {
			recipients++
		}
	}
	return recipients, memberships
}

func named(from, to int) []string {
	var names []string
	for i := from; i <= to; i++ {
		names = append(names, fmt.Sprint(i))
	}
	return names
}
