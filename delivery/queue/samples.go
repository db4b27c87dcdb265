package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// samplesSubject is where senders are asked for samples of what they do. Nothing is
// published while nobody asks.
const samplesSubject = "broadside.samples"

// AnswerSamples answers each question with what sample returns, until the function that it
// returns is called. A sample that cannot be made is left out, and logged.
func (q *Queue) AnswerSamples(sample func() ([]byte, error)) (stop func(), err error) {
	sub, err := q.nc.Subscribe(samplesSubject, func(msg *nats.Msg) {
		data, err := sample()
		if err == nil {
			err = msg.Respond(data)
		}
		if err != nil {
			q.opt.Log.Warn("queue: a sample of this sender was asked for and not given", "error", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("queue: subscribe to %s: %w", samplesSubject, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only with the connection
}

// AskSamples returns the samples of all senders that answer in time.
func (q *Queue) AskSamples(ctx context.Context, within time.Duration) ([][]byte, error) {
	return AskSamples(ctx, q.nc, within)
}

// AskSamples is Queue.AskSamples over a connection that makes no streams: for whoever only
// watches a cluster.
func AskSamples(ctx context.Context, nc *nats.Conn, within time.Duration) ([][]byte, error) {
	inbox, err := nc.SubscribeSync(nc.NewInbox())
	if err != nil {
		return nil, fmt.Errorf("queue: ask the senders: %w", err)
	}
	defer func() { _ = inbox.Unsubscribe() }()
	if err := nc.PublishRequest(samplesSubject, inbox.Subject, nil); err != nil {
		return nil, fmt.Errorf("queue: ask the senders: %w", err)
	}
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	var all [][]byte
	for {
		msg, err := inbox.NextMsgWithContext(ctx)
		switch {
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("queue: the senders' answers: %w", err)
		}
		all = append(all, msg.Data)
	}
}
