package queue

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// SamplesSubject is where whoever measures a cluster asks its senders for samples; each
// of them answers. Nothing is published while nobody asks.
const SamplesSubject = "broadside.samples"

// AnswerSamples answers each question with what sample returns, until the function that it
// returns is called. A sample that cannot be made is left out, and logged.
func (q *Queue) AnswerSamples(sample func() ([]byte, error)) (stop func(), err error) {
	sub, err := q.nc.Subscribe(SamplesSubject, func(msg *nats.Msg) {
		data, err := sample()
		if err == nil {
			err = msg.Respond(data)
		}
		if err != nil {
			q.opt.Log.Warn("queue: a sample of this sender was asked for and not given", "error", err)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("queue: subscribe to %s: %w", SamplesSubject, err)
	}
	return func() { _ = sub.Unsubscribe() }, nil // fails only with the connection
}
