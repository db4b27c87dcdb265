package campaign

import (
	"context"
	"slices"
)

// Readers is what is known of what a run's readers did, machines apart.
type Readers struct {
	Opens  ReaderCount   `json:"opens"`
	Clicks ReaderCount   `json:"clicks"` // of all links
	Links  []LinkCount   `json:"links" nullable:"false" doc:"In the order of their numbers."`
	Apart  []MachineHits `json:"machines" nullable:"false" doc:"What machines did, by what gave them away."`
}

// ReaderCount is how often something was done.
type ReaderCount struct {
	Person   int64 `json:"person" doc:"How often, by persons."`
	People   int64 `json:"people" doc:"By how many recipients, of those whose lists allow that it is known."`
	Nameless int64 `json:"nameless" doc:"How often of those by persons it is not known by whom."`
	Machine  int64 `json:"machine" doc:"How often, by machines."`
}

// LinkCount is how often a link was followed.
type LinkCount struct {
	Number int    `json:"number"`
	Target string `json:"target" doc:"Where it leads; what differs by recipient stands there as {{ name }}."`
	ReaderCount
}

// MachineHits is what machines that were given away by the same evidence did.
type MachineHits struct {
	Evidence string `json:"evidence"`
	Opens    int64  `json:"opens"`
	Clicks   int64  `json:"clicks"`
}

// Any reports whether there is anything to tell.
func (r Readers) Any() bool { return len(r.Links) > 0 || r.Opens != ReaderCount{} }

// readers returns what is known of a run's readers.
func (s *Service) readers(ctx context.Context, id RunID) (Readers, error) {
	counts, err := s.Store.HitCounts(ctx, id)
	if err != nil {
		return Readers{}, err
	}
	links, err := s.Store.LinksOf(ctx, id)
	return readersOf(links, counts), err
}

// readersOf sums kept counts.
func readersOf(links []Link, counts []HitCount) Readers {
	r := Readers{Links: make([]LinkCount, len(links)), Apart: []MachineHits{}}
	for i, l := range links {
		r.Links[i] = LinkCount{Number: l.Number, Target: l.Target}
	}
	machines := map[Evidence]*MachineHits{}
	for _, c := range counts {
		switch {
		case c.Link == AnyLink:
			r.Clicks.People = c.People
			continue
		case c.Link == 0:
			r.Opens.add(c)
			r.Opens.People += persons(c)
		default:
			r.Clicks.add(c)
			if i := slices.IndexFunc(r.Links, func(l LinkCount) bool { return l.Number == c.Link }); i >= 0 {
				r.Links[i].add(c)
				r.Links[i].People += persons(c)
			}
		}
		if !c.Evidence.Machine() {
			continue
		}
		if machines[c.Evidence] == nil {
			machines[c.Evidence] = &MachineHits{Evidence: c.Evidence.String()}
		}
		if c.Link == 0 {
			machines[c.Evidence].Opens += c.N
		} else {
			machines[c.Evidence].Clicks += c.N
		}
	}
	for e := range Evidence(len(evidenceNames)) {
		if machines[e] != nil {
			r.Apart = append(r.Apart, *machines[e])
		}
	}
	return r
}

// persons is the number of recipients that a count has of persons.
func persons(c HitCount) int64 {
	if c.Evidence == ByPerson {
		return c.People
	}
	return 0
}

func (r *ReaderCount) add(c HitCount) {
	if c.Evidence.Machine() {
		r.Machine += c.N
		return
	}
	r.Person += c.N
	r.Nameless += c.Nameless
}
