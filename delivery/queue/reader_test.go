package queue

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"broadside/campaign"
)

// silent is given nothing, as a consumer may be that was made while the stream's leader
// changed.
type silent struct{ jetstream.MessagesContext }

func (silent) Next(...jetstream.NextOpt) (jetstream.Msg, error) { return nil, context.DeadlineExceeded }
func (silent) Stop()                                            {}

// What is there is read, also when the server has forgotten who reads it.
func TestReaderIsForgotten(t *testing.T) {
	t.Parallel()
	q := connect(t, Options{Embedded: startServer(t, t.TempDir()), Name: "test"})
	for contact := range campaign.ContactID(3) {
		if err := q.PublishHits(t.Context(), fmt.Sprint(contact), []campaign.Hit{{Run: 1, Contact: contact}}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := q.ReadHits(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { r.Close() }()
	r.iter.Stop()
	r.iter = silent{}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	hits, last, err := r.Read(ctx, nil, 2, time.Minute)
	if err != nil || len(hits) != 2 || hits[0].Contact != 1 || last != 3 {
		t.Errorf("read %v up to %d, %v", hits, last, err)
	}
}
