package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"broadside/campaign"
	"broadside/delivery"
	"broadside/store"
)

// reading is what a test asks about.
type reading struct {
	*testing.T
	db  *store.DB
	run campaign.RunID
	at  uint64
}

// readers is a run that contacts 1 to 3 got at now, while 4's message waits.
func readers(t *testing.T, db *store.DB) *reading {
	t.Helper()
	people(t, db)
	r := &reading{T: t, db: db, run: runOfPeople(t, db, "may")}
	var events []campaign.Event
	for c := range campaign.ContactID(3) {
		events = append(events, campaign.Event{Recipient: campaign.Recipient{Run: r.run, Lane: 1, Contact: c + 1}, Attempt: 1, State: campaign.Accepted, Code: 250, At: now})
	}
	if err := db.Apply(t.Context(), 0, 1, events); err != nil {
		t.Fatal(err)
	}
	must(db.SaveLinks(t.Context(), r.run, []campaign.Link{{Target: "https://a.example/", Fixed: 18}, {Target: "https://b.example/{{ name }}", Fixed: 18}, {Target: "https://c.example/", Fixed: 18}}))(t)
	return r
}

// hit is a hit some time after the messages had been accepted.
func (r *reading) hit(c campaign.ContactID, link int, after time.Duration, e campaign.Evidence) campaign.Hit {
	return campaign.Hit{Run: r.run, Contact: c, Link: link, At: now.Add(after), Evidence: e}
}

func (r *reading) apply(hits ...campaign.Hit) {
	r.Helper()
	if err := r.db.ApplyHits(r.Context(), r.at, r.at+1, hits); err != nil {
		r.Fatal(err)
	}
	r.at++
}

func (r *reading) wants(want ...campaign.HitCount) {
	r.Helper()
	if got := must(r.db.HitCounts(r.Context(), r.run))(r.T); !slices.Equal(got, want) {
		r.Errorf("counts are\n%+v, want\n%+v", got, want)
	}
}

// X9: persons and machines are counted apart, people once.
func TestHits(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		r := readers(t, db)
		if run := must(db.RunByID(t.Context(), r.run))(t); !run.WholeCounts {
			t.Error("a run of now does not say that all is counted")
		}
		r.apply(
			r.hit(1, 0, time.Minute, campaign.ByPerson), r.hit(1, 0, time.Hour, campaign.ByProxy), r.hit(2, 0, time.Minute, campaign.ByProxy),
			r.hit(3, 0, time.Minute, campaign.PrivacyProxy), r.hit(1, 2, time.Minute, campaign.ByPerson), r.hit(1, 1, time.Hour, campaign.ByPerson),
			r.hit(0, 0, time.Minute, campaign.ByPerson), r.hit(0, 2, time.Minute, campaign.HeadRequest), // anonymous
			r.hit(99, 0, time.Minute, campaign.ByPerson), // erased
		)
		// A batch that comes again changes nothing.
		if err := db.ApplyHits(t.Context(), 0, 1, []campaign.Hit{r.hit(1, 0, time.Hour, campaign.ByPerson)}); !errors.Is(err, delivery.ErrCheckpoint) {
			t.Errorf("a repetition: %v", err)
		}
		r.apply(r.hit(1, 0, 2*time.Hour, campaign.ByPerson), r.hit(3, 0, time.Hour, campaign.PrivacyProxy))
		r.wants(
			campaign.HitCount{Link: campaign.AnyLink, Evidence: campaign.ByPerson, People: 1},
			campaign.HitCount{Link: 0, Evidence: campaign.ByPerson, N: 4, Nameless: 1, People: 2},
			campaign.HitCount{Link: 0, Evidence: campaign.ByProxy, N: 2},
			campaign.HitCount{Link: 0, Evidence: campaign.PrivacyProxy, N: 2, People: 1},
			campaign.HitCount{Link: 1, Evidence: campaign.ByPerson, N: 1, People: 1},
			campaign.HitCount{Link: 2, Evidence: campaign.ByPerson, N: 1, People: 1},
			campaign.HitCount{Link: 2, Evidence: campaign.HeadRequest, N: 1, Nameless: 1},
		)
		want := campaign.Reading{Run: r.run, Campaign: "may", Link: 2, Target: "https://b.example/{{ name }}", Person: 1, First: now.Add(time.Minute), Last: now.Add(time.Minute)}
		if got := must(db.ReadingsOf(t.Context(), 1, 0, 0, 10))(t); len(got) != 3 || got[0].Person != 3 || got[2] != want {
			t.Errorf("1 read %+v", got)
		}
	})
}

// X9: what is faster than people is not theirs.
func TestMachinesAreFast(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		r := readers(t, db)
		r.apply(
			r.hit(1, 0, -time.Second, campaign.ByPerson), r.hit(1, 1, campaign.TooSoonWithin-time.Millisecond, campaign.ByPerson),
			r.hit(1, 1, campaign.TooSoonWithin, campaign.ByPerson),
			r.hit(4, 1, time.Hour, campaign.ByPerson), // waits still
		)
		r.wants(
			campaign.HitCount{Link: campaign.AnyLink, Evidence: campaign.ByPerson, People: 1},
			campaign.HitCount{Link: 0, Evidence: campaign.TooSoon, N: 1, People: 1},
			campaign.HitCount{Link: 1, Evidence: campaign.ByPerson, N: 1, People: 1},
			campaign.HitCount{Link: 1, Evidence: campaign.TooSoon, N: 2, People: 2},
		)
		// Lost after the final dot: it may have arrived, whatever the ledger waits for.
		event := campaign.Event{Recipient: campaign.Recipient{Run: r.run, Lane: 1, Contact: 4}, Attempt: 1, State: campaign.Deferred, Reason: campaign.PossiblyAccepted, At: now, Due: now}
		if err := db.Apply(t.Context(), 1, 2, []campaign.Event{event}); err != nil {
			t.Fatal(err)
		}
		r.apply(r.hit(4, 2, time.Hour, campaign.ByPerson))
		if got := must(db.ReadingsOf(t.Context(), 4, 0, 0, 10))(t); len(got) != 2 || got[1].Person != 1 {
			t.Errorf("4 read %+v", got)
		}
	})
}

// X9: three links within ten seconds are a scanner's, the first two of them too, in one
// batch or in several; what a person clicked at another time stays.
func TestAllLinksAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		r := readers(t, db)
		click := func(link int, after time.Duration) campaign.Hit {
			return r.hit(1, link, after, campaign.ByPerson)
		}
		r.apply(click(1, time.Minute))
		r.apply(click(1, time.Hour), click(2, time.Hour+time.Second))
		r.wants(
			campaign.HitCount{Link: campaign.AnyLink, Evidence: campaign.ByPerson, People: 1},
			campaign.HitCount{Link: 1, Evidence: campaign.ByPerson, N: 2, People: 1},
			campaign.HitCount{Link: 2, Evidence: campaign.ByPerson, N: 1, People: 1},
		)
		r.apply(click(3, time.Hour+2*time.Second))
		caught := []campaign.HitCount{
			{Link: campaign.AnyLink, Evidence: campaign.ByPerson, People: 1},
			{Link: 1, Evidence: campaign.ByPerson, N: 1, People: 1},
			{Link: 1, Evidence: campaign.AllAtOnce, N: 1, People: 1},
			{Link: 2, Evidence: campaign.AllAtOnce, N: 1, People: 1},
			{Link: 3, Evidence: campaign.AllAtOnce, N: 1, People: 1},
		}
		r.wants(caught...)
		// The next one of the same seconds is no person's either.
		r.apply(click(2, time.Hour+3*time.Second))
		caught[3].N = 2
		r.wants(caught...)
		// Two links within seconds are nothing strange, nor are three in a minute.
		r.apply(r.hit(2, 1, time.Minute, campaign.ByPerson), r.hit(2, 2, time.Minute+time.Second, campaign.ByPerson), r.hit(2, 3, 2*time.Minute, campaign.ByPerson))
		if got := must(db.ReadingsOf(t.Context(), 2, 0, 0, 10))(t); len(got) != 3 || got[0].Person+got[1].Person+got[2].Person != 3 {
			t.Errorf("2 read %+v", got)
		}
	})
}

func TestLinksKeepTheirNumbers(t *testing.T) { // X7
	each(t, func(t *testing.T, db *store.DB, _ string) {
		r := readers(t, db)
		all := must(db.SaveLinks(t.Context(), r.run, []campaign.Link{{Target: "https://d.example/", Fixed: 18}, {Target: "https://b.example/{{ name }}", Fixed: 18}}))(t)
		if len(all) != 4 || all[1] != (campaign.Link{Number: 2, Target: "https://b.example/{{ name }}", Fixed: 18}) || all[3].Number != 4 {
			t.Errorf("links %+v", all)
		}
		if got := must(db.LinksOf(t.Context(), r.run))(t); !slices.Equal(got, all) {
			t.Errorf("links %+v, want %+v", got, all)
		}
	})
}

// ePrivacy 13: a list's level is the most that is measured of its members, and off when
// nobody set it.
func TestTrackingIsTheStrictestOfTheLists(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, _ string) {
		ctx := t.Context()
		people(t, db)
		b := newList(t, db, "b")
		runImport(t, db, b, false, row(1, "ann@example.org", `{}`), row(2, "eve@example.org", `{}`))
		if most := must(db.MostTracking(ctx, []string{"a", "b"}))(t); most != campaign.TrackOff {
			t.Errorf("new lists allow %s", most)
		}
		must(db.SetListTracking(ctx, listNamed(t, db, "a").ID, campaign.TrackAnonymous))(t)
		if l := must(db.SetListTracking(ctx, b, campaign.TrackIndividual))(t); l.Tracking != campaign.TrackIndividual {
			t.Errorf("b %+v", l)
		}
		if _, err := db.SetListTracking(ctx, 99, campaign.TrackOff); !errors.Is(err, campaign.ErrNotFound) {
			t.Errorf("no list: %v", err)
		}
		if most := must(db.MostTracking(ctx, []string{"a", "b", "gone"}))(t); most != campaign.TrackIndividual {
			t.Errorf("the lists allow %s", most)
		}
		of := must(db.CeilingsOf(ctx, []string{"a", "b"}, []campaign.ContactID{1, 2, 5, 99}))(t)
		if len(of) != 3 || of[1] != campaign.TrackAnonymous || of[2] != campaign.TrackAnonymous || of[5] != campaign.TrackIndividual {
			t.Errorf("ceilings %v", of)
		}
	})
}
