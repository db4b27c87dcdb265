package store

import (
	"time"

	"broadside/campaign"
)

// reader is what one recipient of a run did, in memory while hits are recorded.
type reader struct {
	// accepted is when the message had been taken, in Unix milliseconds; 0: not yet;
	// -1: nobody can tell.
	accepted int64
	variant  campaign.Variant
	links    map[int]*followed // 0: opened
	// caught are the times of clicks by which those around them showed as a machine's.
	caught []time.Time
}

// followed is a row of hits.
type followed struct {
	Person, Machine int64
	Evidence        int64 // of machines: bits 1 << campaign.Evidence
	First, Last     int64
	changed         bool
}

func newReader(s campaign.State, why campaign.Reason, at int64, v campaign.Variant) *reader {
	r := &reader{variant: v, links: map[int]*followed{}}
	switch {
	case s == campaign.Accepted:
		r.accepted = at
	case s == campaign.Unknown || why == campaign.PossiblyAccepted:
		r.accepted = -1 // lost after the final dot: it may have arrived then
	}
	return r
}

// add records a hit: what it was made by is decided here, and again for clicks of the
// seconds before when they turn out to be too many.
func (r *reader) add(h campaign.Hit, counts hitCounts) campaign.Evidence {
	clicked := r.clicked()
	f := r.links[h.Link]
	if f == nil {
		f = &followed{First: millis(h.At)}
		r.links[h.Link] = f
	}
	evidence := h.Evidence
	switch {
	case evidence.Machine():
	case r.tooSoon(millis(h.At)):
		evidence = campaign.TooSoon
	case h.Link > 0 && len(r.together(h.At)) >= campaign.AtOnceLinks:
		evidence = campaign.AllAtOnce
	}
	f.changed = true
	f.First, f.Last = min(f.First, millis(h.At)), max(f.Last, millis(h.At))
	f.count(r.key(h, h.Link, evidence), 1, counts)
	if h.Link > 0 && !evidence.Machine() {
		r.allAtOnce(h, counts)
	}
	if is := r.clicked(); is != clicked {
		n := int64(1)
		if clicked {
			n = -1
		}
		counts.add(r.key(h, campaign.AnyLink, campaign.ByPerson), 0, n)
	}
	return evidence
}

// tooSoon reports whether a person could not have been so fast.
func (r *reader) tooSoon(at int64) bool {
	return r.accepted == 0 || r.accepted > 0 && at < r.accepted+campaign.TooSoonWithin.Milliseconds()
}

// clicked reports whether a person followed any link.
func (r *reader) clicked() bool {
	for link, f := range r.links {
		if link > 0 && f.Person > 0 {
			return true
		}
	}
	return false
}

// key is the line of the kept counts for what this reader does with a link.
func (r *reader) key(h campaign.Hit, link int, e campaign.Evidence) hitKey {
	return hitKey{h.Run, r.variant, link, e}
}

// count adds n hits to a row and to the kept counts.
func (f *followed) count(k hitKey, n int64, counts hitCounts) {
	if !k.evidence.Machine() {
		if f.Person == 0 {
			first := k
			first.evidence = campaign.ByPerson
			counts.add(first, 0, 1)
		}
		f.Person += n
		counts.add(k, n, 0)
		return
	}
	people := int64(0)
	if f.Evidence&(1<<k.evidence) == 0 {
		people = 1
	}
	f.Evidence |= 1 << k.evidence
	f.Machine += n
	counts.add(k, n, people)
}

// together returns the links that were followed last within seconds of a time, and not
// by what is known as a machine otherwise.
func (r *reader) together(at time.Time) []int {
	from, to := millis(at.Add(-campaign.AtOnceWithin)), millis(at.Add(campaign.AtOnceWithin))
	var links []int
	for link, f := range r.links {
		if link > 0 && f.Last >= from && f.Last <= to && (f.Person > 0 || f.Evidence&(1<<campaign.AllAtOnce) != 0) {
			links = append(links, link)
		}
	}
	return links
}

// allAtOnce takes the clicks of the seconds around one for a machine's, when with it too
// many different links were followed.
func (r *reader) allAtOnce(h campaign.Hit, counts hitCounts) {
	together := r.together(h.At)
	if len(together) < campaign.AtOnceLinks {
		return
	}
	r.caught = append(r.caught, h.At)
	for _, link := range together {
		f := r.links[link]
		n := min(f.Person, 1)
		if f.First >= millis(h.At.Add(-campaign.AtOnceWithin)) {
			n = f.Person // all of them are of these seconds
		}
		if n == 0 {
			continue
		}
		f.Person -= n
		f.changed = true
		people := int64(0)
		if f.Person == 0 {
			people = -1
		}
		counts.add(r.key(h, link, campaign.ByPerson), -n, people)
		f.count(r.key(h, link, campaign.AllAtOnce), n, counts)
	}
}
