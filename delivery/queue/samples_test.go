package queue

import (
	"errors"
	"testing"
	"time"
)

// Whoever asks gets the answer of a sender that has one, and none after it stopped.
func TestSamples(t *testing.T) {
	q := newQueue(t)
	broken, err := q.AnswerSamples(func() ([]byte, error) { return nil, errors.New("no memory") })
	if err != nil {
		t.Fatal(err)
	}
	stop, err := q.AnswerSamples(func() ([]byte, error) { return []byte("ten a second"), nil })
	if err != nil {
		t.Fatal(err)
	}
	reply, err := q.nc.Request(SamplesSubject, nil, 10*time.Second)
	if err != nil || string(reply.Data) != "ten a second" {
		t.Fatalf("the answer is %v, %v", reply, err)
	}
	stop()
	broken()
	if reply, err := q.nc.Request(SamplesSubject, nil, 10*time.Second); err == nil {
		t.Errorf("who stopped still says %q", reply.Data)
	}
}
