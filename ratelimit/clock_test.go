package ratelimit

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A wrong clock is corrected to half of a request's time, and said once.
func TestClockFollowsTheServer(t *testing.T) {
	for _, wrong := range []time.Duration{-time.Hour, -150 * time.Millisecond, 0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			log := slog.New(slog.NewTextHandler(&out, nil))
			c := newClock(func() time.Time { return time.Now().Add(wrong) })
			way := 40 * time.Millisecond
			ask := func(context.Context) (time.Time, error) {
				time.Sleep(way / 4) // quicker there than back
				now := time.Now()
				time.Sleep(way * 3 / 4)
				way /= 2
				return now, nil
			}
			for range 2 {
				if err := c.probe(t.Context(), ask, log); err != nil {
					t.Fatal(err)
				}
				way = 8 * time.Millisecond
			}
			if off := time.Duration(c.server() - time.Now().UnixNano()).Abs(); off > time.Millisecond {
				t.Errorf("a clock wrong by %v is off by %v after correction", wrong, off)
			}
			if said, want := strings.Count(out.String(), "check NTP"), wrong.Abs() > wrongClock; said > 1 || (said == 1) != want {
				t.Errorf("a clock wrong by %v: %s", wrong, out.String())
			}
			before := c.server()
			away := errors.New("away")
			if err := c.probe(t.Context(), func(context.Context) (time.Time, error) { return time.Time{}, away }, log); err != away || c.server() != before {
				t.Errorf("without an answer the clock moved, or said %v", err)
			}
		})
	}
}
