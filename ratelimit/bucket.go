package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// errConflict says that a key was changed by somebody else meanwhile.
var errConflict = errors.New("changed meanwhile")

// bucket keeps values by key, changed by compare-and-swap. natsBucket is one.
type bucket interface {
	// get returns a value and its revision; 0 when there is none.
	get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// put writes a value if the key still has a revision, and returns the new one, which
	// is higher than any before; or errConflict. After another error it may have been
	// written all the same.
	put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// time is the server's.
	time(ctx context.Context) (time.Time, error)
}

type natsBucket struct {
	kv     jetstream.KeyValue
	stream jetstream.Stream
}

// openBucket creates or updates a bucket, on disk, whose keys vanish some time after
// they were last written.
func openBucket(ctx context.Context, js jetstream.JetStream, name string, ttl time.Duration, replicas int) (*natsBucket, error) {
	kv, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: name, TTL: ttl, Replicas: max(replicas, 1)})
	if err != nil {
		return nil, fmt.Errorf("limits: bucket %s: %w", name, err)
	}
	stream, err := js.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, fmt.Errorf("limits: bucket %s: %w", name, err)
	}
	return &natsBucket{kv: kv, stream: stream}, nil
}

func (b *natsBucket) get(ctx context.Context, key string) ([]byte, uint64, error) {
	entry, err := b.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return entry.Value(), entry.Revision(), nil
}

func (b *natsBucket) put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	revision, err := b.kv.Update(ctx, key, value, revision)
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return 0, errConflict
	}
	return revision, err
}

func (b *natsBucket) time(ctx context.Context) (time.Time, error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return time.Time{}, err
	}
	return info.TimeStamp, nil
}

// bucketKey writes any string with the characters that a bucket allows: letters, digits,
// '-' and '.' stand for themselves, the others are =XX. Dots at the ends and in a row
// would be empty tokens, so those are written as =2E, too.
func bucketKey(key string) string {
	var b strings.Builder
	for i := range len(key) {
		c := key[i]
		dot := c == '.' && i > 0 && i < len(key)-1 && key[i-1] != '.'
		if dot || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	if b.Len() == 0 {
		return "="
	}
	return b.String()
}
