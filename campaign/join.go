package campaign

import (
	"context"
	"fmt"
)

// Joined is what became of a person who was to join a list.
type Joined struct {
	Contact Contact // zero when nothing of an erased person was stored
	Effect  ImportEffect
	Import  ImportID // by which it can be undone
}

// Join brings one person into a list, under the rules of an import of one row: who left
// the list stays away, and who was erased is not stored. source says where the person
// came from. Joining twice changes nothing.
func (s *Service) Join(ctx context.Context, list ListID, source, email string, attributes []byte) (j Joined, err error) {
	tx, err := s.Store.BeginImport(ctx, list, source, false, s.Now())
	if err != nil {
		return j, fmt.Errorf("join list %d: %w", list, err)
	}
	defer func() { _ = tx.Abort() }() // after Finish it does nothing
	if err := tx.Put(ctx, []ImportRow{{Row: 1, Email: email, Attributes: attributes}}); err != nil {
		return j, fmt.Errorf("join list %d: %w", list, err)
	}
	var counts ImportCounts
	j.Effect = EffectNew
	j.Import, counts, err = tx.Finish(ctx, func(_ int64, _ string, effect ImportEffect) error {
		j.Effect = effect
		return nil
	})
	if err != nil {
		return j, fmt.Errorf("join list %d: %w", list, err)
	}
	switch {
	case counts.Updated > 0:
		j.Effect = EffectUpdated
	case counts.Unchanged > 0:
		j.Effect = EffectUnchanged
	case j.Effect == EffectErased:
		return j, nil
	}
	j.Contact, err = s.Store.ContactByEmail(ctx, email)
	return j, err
}
