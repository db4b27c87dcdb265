package api

import (
	gotest "testing" // the package has a function of that name
	"time"
)

// A token gets a second's messages at once, and then its pace; others are not held up.
func TestMessagePace(t *gotest.T) {
	var p messagePace
	now := time.Unix(1_800_000_000, 0)
	taken := func(token int64, at time.Time) (n int) {
		for p.take(1, token, at) {
			n++
		}
		return n
	}
	for _, c := range []struct {
		token int64
		after time.Duration
		want  int
	}{{1, 0, 100}, {1, 0, 0}, {2, 0, 100}, {1, 10 * time.Millisecond, 1}, {1, 500 * time.Millisecond, 49}, {1, time.Hour, 100}} {
		if n := taken(c.token, now.Add(c.after)); n != c.want {
			t.Errorf("token %d takes %d after %s, want %d", c.token, n, c.after, c.want)
		}
	}
}
