package ttl

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// holding is a fetch whose value holds so long.
func holding(v int, holds time.Duration) func(context.Context) (int, time.Duration) {
	return func(context.Context) (int, time.Duration) { return v, holds }
}

// A value is there until its time is over.
func TestHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[int](10, time.Minute, time.Now)
		for range 2 {
			if v, err := c.Get(t.Context(), "key", holding(1, time.Minute)); v != 1 || err != nil {
				t.Fatal(v, err)
			}
		}
		time.Sleep(time.Minute - 1)
		if v, ok := c.Peek("key"); v != 1 || !ok {
			t.Error("it is gone too early")
		}
		if v, err := c.Get(t.Context(), "key", holding(2, time.Minute)); v != 1 || err != nil {
			t.Errorf("%d, %v, though the first holds", v, err)
		}
		time.Sleep(time.Nanosecond)
		if v, ok := c.Peek("key"); ok {
			t.Errorf("%d, though its time is over", v)
		}
		if v, err := c.Get(t.Context(), "key", holding(2, time.Minute)); v != 2 || err != nil {
			t.Error(v, err)
		}
	})
}

// Whoever asks while a key is being fetched waits for that; when it comes to nothing, the
// next one takes over.
func TestFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New[int](10, 0, time.Now)
		hasty, cancel := context.WithCancel(t.Context())
		fetches := 0 // one at a time
		fetch := func(ctx context.Context) (int, time.Duration) {
			fetches++
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
			return fetches, time.Minute
		}
		var asking sync.WaitGroup
		asking.Go(func() {
			if _, err := c.Get(hasty, "key", fetch); err == nil {
				t.Error("the hasty one has a value")
			}
		})
		synctest.Wait()
		for range 20 {
			asking.Go(func() {
				if v, err := c.Get(t.Context(), "key", fetch); v != 2 || err != nil {
					t.Error(v, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		asking.Wait()
		if fetches != 2 {
			t.Errorf("fetched %d times", fetches)
		}
	})
}

// While a value is fetched anew the others go by the last one, unless that is long over.
func TestOthersDontWait(t *testing.T) {
	const grace = time.Minute
	now := time.Now()
	c := New[int](10, grace, func() time.Time { return now })
	ctx := t.Context()
	first := holding(1, time.Minute)
	if v, err := c.Get(ctx, "key", first); v != 1 || err != nil {
		t.Fatal(v, err)
	}
	now = now.Add(time.Minute + grace - 1)
	v, err := c.Get(ctx, "key", func(context.Context) (int, time.Duration) {
		if v, err := c.Get(ctx, "key", first); v != 1 || err != nil {
			t.Error(v, err)
		}
		return 2, time.Minute
	})
	if v != 2 || err != nil {
		t.Error(v, err)
	}
	now = now.Add(time.Minute + grace)
	_, _ = c.Get(ctx, "key", func(context.Context) (int, time.Duration) {
		impatient, cancel := context.WithCancel(ctx)
		cancel()
		if v, err := c.Get(impatient, "key", first); err == nil {
			t.Errorf("%d, though it is long over", v)
		}
		return 3, time.Minute
	})
}

// However many keys there are, no more than the limit are kept, and of them those that
// are asked for.
func TestBounded(t *testing.T) {
	for limit, most := range map[int]int{0: 2, 2: 2, 100: 100} {
		c := New[int](limit, 0, time.Now)
		for i := range 10_000 {
			_, _ = c.Get(t.Context(), strconv.Itoa(i), holding(i, time.Hour))
			if n := len(c.young) + len(c.old); n > most {
				t.Fatalf("%d are kept of at most %d", n, limit)
			}
			if v, ok := c.Peek("0"); limit == 100 && (v != 0 || !ok) {
				t.Fatalf("after %d others, what is asked for all the time is gone", i)
			}
		}
	}
}
