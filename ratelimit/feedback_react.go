package ratelimit

import (
	"cmp"
	"slices"
	"time"
)

// hitsKept bounds how many replies a record counts: a reaction that wants more acts
// at so many.
const hitsKept = 64

// react is the record after a reply that a reaction knows: counted, and acted on when
// there were as many as it wants. The id is the reply's own.
func (r Record) react(now time.Time, l Limits, re Reaction, reply Reply, id uint64) (Record, bool) {
	longer := re.Stop && re.Hits <= 1 && re.For > r.Stop.For
	if r.Stop.probing(now) && !longer {
		return r.failed(now, l, reply)
	}
	if !r.Acted.IsZero() && !reply.Began.After(r.Acted) {
		return r, false
	}
	within := cmp.Or(re.Within, time.Hour)
	hits, n := make([]Hit, 0, len(r.Hits)+1), 1
	for _, h := range r.Hits {
		if h.ID == id {
			return r, false
		}
		if !now.Before(h.Until) {
			continue
		}
		if h.Reaction == re.Name && now.Sub(h.At) < within {
			n++
		}
		hits = append(hits, h)
	}
	r.Hits = append(hits, Hit{ID: id, Reaction: re.Name, At: now, Until: now.Add(within)})
	if n < min(re.Hits, hitsKept) {
		r.Hits = r.Hits[max(len(r.Hits)-2*hitsKept, 0):]
		r.Limits = Limits{Rate: finite(l.Rate), Connections: l.Connections}
		return r, true
	}
	return r.act(now, l, re, reply), true
}

// act does what a reaction asks for. Where an earlier reaction still holds, the
// stricter value holds, until the later end.
func (r Record) act(now time.Time, l Limits, re Reaction, reply Reply) Record {
	before := finite(r.Pace.rate(now, l.Rate))
	if !r.Pace.At.IsZero() && now.Sub(r.Pace.At) < epoch { // taken down by this very reply, or an earlier reaction
		before = r.Pace.Peak
	}
	end := now.Add(re.For)
	if re.Stop && (re.Probe || end.After(r.Stop.Until)) {
		r.Stop = stopped(now, max(re.For, r.Stop.Until.Sub(now)), re.Probe)
	}
	if re.Rate > 0 {
		if now.Before(r.Slow.Until) {
			re.Rate = min(re.Rate, r.Slow.Rate)
		}
		r.Slow = RateCap{Rate: re.Rate, Until: latest(end, r.Slow.Until)}
	}
	if re.Connections > 0 {
		if now.Before(r.Few.Until) {
			re.Connections = min(re.Connections, r.Few.Connections)
		}
		r.Few = ConnCap{Connections: re.Connections, Until: latest(end, r.Few.Until)}
	}
	if before > 0 && (re.Stop || re.Rate > 0) { // afterwards as after a refusal, not at once as before
		r.Pace = Pace{Peak: before, At: end}
	}
	r.Acted = now
	r.Hits = slices.DeleteFunc(r.Hits, func(h Hit) bool { return h.Reaction == re.Name })
	return r.took(now, l, reply.Text)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
