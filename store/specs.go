package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"broadside/campaign"
)

// specsCached bounds the cache: a spec may carry megabytes of attachments, and what
// is read all the time are the specs of the open runs.
const specsCached = 32

// specCache keeps decoded specs by hash, so that reading a run does not read and
// decode its attachments again. The specs are shared: nobody changes them.
type specCache struct {
	mu    sync.Mutex
	specs map[string]campaign.Spec
}

func (c *specCache) get(hash string) (campaign.Spec, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.specs[hash]
	return s, ok
}

func (c *specCache) put(hash string, s campaign.Spec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.specs == nil || len(c.specs) >= specsCached {
		c.specs = make(map[string]campaign.Spec)
	}
	c.specs[hash] = s
}

// spec reads a spec by its hash. Its slices are shared with other readers.
func (db *DB) spec(ctx context.Context, q rowReader, hash string) (campaign.Spec, error) {
	if s, ok := db.specs.get(hash); ok {
		return s, nil
	}
	var text []byte
	if err := getFrom(ctx, q, "spec "+hash, &text, "SELECT spec FROM specs WHERE hash = ?", hash); err != nil {
		return campaign.Spec{}, err
	}
	var s campaign.Spec
	if err := json.Unmarshal(text, &s); err != nil {
		return campaign.Spec{}, fmt.Errorf("spec %s: %w", hash, err)
	}
	db.specs.put(hash, s)
	return s, nil
}

// internSpec stores a spec if it is new and returns its hash.
func (db *DB) internSpec(ctx context.Context, t *tx, s campaign.Spec) (string, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	hash := hex.EncodeToString(sum[:])
	if err := db.lock(ctx, t, lockSpecs); err != nil {
		return "", err
	}
	_, err = t.exec(ctx, "INSERT INTO specs (hash, spec) VALUES (?, ?) ON CONFLICT DO NOTHING", hash, string(text))
	return hash, err
}

// sweepSpec removes a spec that no campaign and no run has any more; the transaction
// holds lockSpecs.
func (t *tx) sweepSpec(ctx context.Context, hash string) error {
	_, err := t.exec(ctx, `
		DELETE FROM specs WHERE hash = ?
			AND NOT EXISTS (SELECT 1 FROM campaigns c WHERE c.spec = specs.hash)
			AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.spec = specs.hash)
			AND NOT EXISTS (SELECT 1 FROM recurrences r WHERE r.spec = specs.hash)`, hash)
	return err
}
