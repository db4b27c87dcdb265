package queue

import (
	"errors"
	"testing"
	"time"
)

// Whoever asks gets the answers of the senders that have one, and none after they stopped.
func TestSamples(t *testing.T) {
	q := newQueue(t)
	ask := func() []string {
		t.Helper()
		var words []string
		for _, data := range must[[][]byte](t)(q.AskSamples(t.Context(), 300*time.Millisecond)) {
			words = append(words, string(data))
		}
		return words
	}
	if got := ask(); len(got) != 0 {
		t.Errorf("nobody says %q", got)
	}
	broken := must[func()](t)(q.AnswerSamples(func() ([]byte, error) { return nil, errors.New("no memory") }))
	stop := must[func()](t)(q.AnswerSamples(func() ([]byte, error) { return []byte("ten a second"), nil }))
	if got := ask(); len(got) != 1 || got[0] != "ten a second" {
		t.Errorf("the answers are %q", got)
	}
	stop()
	broken()
	if got := ask(); len(got) != 0 {
		t.Errorf("who stopped still says %q", got)
	}
}
