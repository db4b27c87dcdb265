package campaign

import (
	"context"
	"time"
)

// A page looks at so many people of the lists at each of some places, at even distances.
// All of smaller lists are looked at.
const (
	samplePlaces  = 20
	sampleAtPlace = 50
	sampleStride  = 7 // from place to place, so that also the first few are from all over
)

// atPlaces calls visit for those who would be sent to among a thousand members at most, who
// are from all over the lists; after a time, 0 for never, it goes to no other place. All
// says that there is nobody else.
func (s *Service) atPlaces(ctx context.Context, spec Spec, limit time.Duration, visit func(*AudienceMember)) (all bool, err error) {
	a, sieve, err := s.audienceOf(ctx, spec)
	if err != nil {
		return false, err
	}
	last, members, err := s.Store.LastMember(ctx, a.Lists)
	if err != nil {
		return false, err
	}
	began, most := s.Now(), samplePlaces*sampleAtPlace
	size := most
	if members >= int64(most) {
		size = sampleAtPlace
	}
	page, err := s.Store.AudiencePage(ctx, a, 0, size)
	if err != nil || len(page) == 0 {
		return err == nil, err
	}
	if len(page) < size {
		return true, visitMeant(ctx, sieve, page, visit)
	}
	// Contacts are numbered as they come: those of a late list have none of the first numbers.
	before := page[0].ID - 1
	step := max((last-before)/samplePlaces, 1)
	for i := range ContactID(samplePlaces) {
		at := before + step*(i*sampleStride%samplePlaces)
		if i > 0 {
			if page, err = s.Store.AudiencePage(ctx, a, at, size); err != nil {
				return false, err
			}
		}
		if err := visitMeant(ctx, sieve, upTo(page, at+step), visit); err != nil {
			return false, err
		}
		if limit > 0 && s.Now().Sub(began) >= limit {
			break
		}
	}
	return false, nil
}

// upTo is the part of a page up to a contact: what follows it is another place's.
func upTo(page []AudienceMember, last ContactID) []AudienceMember {
	for i := range page {
		if page[i].ID > last {
			return page[:i]
		}
	}
	return page
}

// visitMeant calls visit for those of a page who would be sent to.
func visitMeant(ctx context.Context, sieve *sieve, page []AudienceMember, visit func(*AudienceMember)) error {
	verdicts, err := sieve.sort(ctx, page)
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		if m := &page[i]; v == meant && m.Subscribed && !m.Suppressed {
			visit(m)
		}
	}
	return nil
}
