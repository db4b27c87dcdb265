package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"broadside/campaign"
)

// MaxBatch is how many jobs fit in one atomic batch beside the marker, also when each
// travels alone (ADR-50 allows 1,000 messages).
const MaxBatch = 999

// The API error codes of a message whose expected last subject sequence is not met, by
// a stream of one replica and by one of several.
const (
	wrongLastSequence           = 10071
	wrongLastSequenceReplicated = 10164
)

func wrongSequence(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && (api.ErrorCode == wrongLastSequence || api.ErrorCode == wrongLastSequenceReplicated)
}

var _ campaign.JobQueue = (*Queue)(nil)

// jobSubject is that of messages with so many jobs: the stream counts messages by their
// subjects, and the subjects make jobs of that.
func jobSubject(lane campaign.Lane, express bool, run campaign.RunID, jobs int) string {
	class := "b"
	if express {
		class = "x"
	}
	return "job." + lane.String() + "." + class + "." + strconv.FormatInt(int64(run), 10) + "." + strconv.Itoa(jobs)
}

func markerSubject(lane campaign.Lane, run campaign.RunID) string {
	return "cur." + lane.String() + "." + strconv.FormatInt(int64(run), 10)
}

type markerBody struct {
	Wave   campaign.Wave      `json:"wave,omitempty"`
	Cursor campaign.ContactID `json:"cursor"`
	Epoch  int64              `json:"epoch"`
	Turn   int64              `json:"turn,omitempty"`
}

// Marker implements campaign.JobQueue.
func (q *Queue) Marker(ctx context.Context, lane campaign.Lane, run campaign.RunID) (campaign.Marker, error) {
	subject := markerSubject(lane, run)
	msg, err := q.jobs.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return campaign.Marker{}, nil
	}
	if err != nil {
		return campaign.Marker{}, fmt.Errorf("queue: marker %s: %w", subject, err)
	}
	var body markerBody
	if err := json.Unmarshal(msg.Data, &body); err != nil {
		return campaign.Marker{}, fmt.Errorf("queue: marker %s: %w", subject, err)
	}
	return campaign.Marker{Wave: body.Wave, Cursor: body.Cursor, Epoch: body.Epoch, Turn: body.Turn, Seq: msg.Sequence}, nil
}

// Feed implements campaign.JobQueue.
func (q *Queue) Feed(ctx context.Context, lane campaign.Lane, run campaign.RunID, prev, next campaign.Marker, jobs []campaign.Job) (campaign.Marker, error) {
	if len(jobs) > MaxBatch {
		return prev, fmt.Errorf("queue: a batch of %d jobs; at most %d fit", len(jobs), MaxBatch)
	}
	body, err := json.Marshal(markerBody{Wave: next.Wave, Cursor: next.Cursor, Epoch: next.Epoch, Turn: next.Turn})
	if err != nil {
		return prev, err
	}
	marker := nats.NewMsg(markerSubject(lane, run))
	marker.Data = body
	marker.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	marker.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(prev.Seq, 10))
	batch := append(make([]*nats.Msg, 0, len(jobs)/packetJobs+2), marker)
	packets(jobs, func(jobs []campaign.Job, data []byte) {
		batch = append(batch, &nats.Msg{
			Subject: jobSubject(lane, jobs[0].Express, run, len(jobs)),
			Header:  make(nats.Header, 3), // room for the batch's headers
			Data:    data,
		})
	})
	ack, err := jetstreamext.PublishMsgBatch(ctx, q.js, batch, jetstreamext.BatchFlowControl{
		// The stale marker is refused at the commit; asking after the first message
		// would only add a round trip to every batch.
		AckFirst: false, AckTimeout: 10 * time.Second,
	})
	if err != nil {
		if wrongSequence(err) {
			return prev, campaign.ErrStale
		}
		return prev, fmt.Errorf("queue: feeding lane %s of run %d: %w", lane, run, explain(err))
	}
	next.Seq = ack.Sequence - uint64(len(batch)-1)
	return next, nil
}

// Depth implements campaign.JobQueue.
func (q *Queue) Depth(ctx context.Context) (campaign.Depth, error) {
	d := campaign.Depth{
		Jobs:    map[campaign.LaneRun]int64{},
		Retries: map[campaign.LaneRun]int64{},
	}
	jobs, err := q.subjects(ctx, q.jobs, "job.>")
	if err != nil {
		return d, err
	}
	byToken := q.laneTokens()
	for subject, n := range jobs { // job.<lane>.<x|b>.<run>.<jobs>
		part := strings.Split(subject, ".")
		each := int64(1)
		if len(part) == 5 {
			each, _ = strconv.ParseInt(part[4], 10, 64)
		}
		if lane, run, ok := laneRun(byToken, part[1], part[3]); ok {
			d.Jobs[campaign.LaneRun{Lane: lane, Run: run}] += int64(n) * each
		}
	}
	due, err := q.subjects(ctx, q.retry, "rdue.>")
	if err != nil {
		return d, err
	}
	for subject, n := range due { // rdue.<lane>.<run>
		part := strings.Split(subject, ".")
		if lane, run, ok := laneRun(byToken, part[1], part[len(part)-1]); ok {
			d.Retries[campaign.LaneRun{Lane: lane, Run: run}] += int64(n)
		}
	}
	return d, nil
}

func (q *Queue) subjects(ctx context.Context, s jetstream.Stream, filter string) (map[string]uint64, error) {
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, fmt.Errorf("queue: reading %s: %w", filter, err)
	}
	return info.State.Subjects, nil
}

func (q *Queue) laneTokens() map[string]campaign.Lane {
	tokens := map[string]campaign.Lane{}
	for _, l := range q.Lanes() {
		tokens[l.String()] = l
	}
	return tokens
}

func laneRun(tokens map[string]campaign.Lane, lane, run string) (campaign.Lane, campaign.RunID, bool) {
	l, ok := tokens[lane]
	id, err := strconv.ParseInt(run, 10, 64)
	return l, campaign.RunID(id), ok && err == nil
}

// DropRun implements campaign.JobQueue. It is called when nothing of the run is
// open any more, so what it removes are the markers and, after a cancellation,
// jobs and schedules that would be dropped one by one.
func (q *Queue) DropRun(ctx context.Context, run campaign.RunID) error {
	id := strconv.FormatInt(int64(run), 10)
	for _, p := range []struct {
		stream jetstream.Stream
		filter string
	}{
		{q.jobs, "job.*.*." + id}, // of a version that sent each job alone
		{q.jobs, "job.*.*." + id + ".*"},
		{q.jobs, "cur.*." + id},
		{q.retry, "rat.*." + id + ".>"},
		{q.retry, "rdue.*." + id},
	} {
		if err := p.stream.Purge(ctx, jetstream.WithPurgeSubject(p.filter)); err != nil {
			return fmt.Errorf("queue: removing run %d: %w", run, err)
		}
	}
	if err := q.runs.Purge(ctx, id); err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return fmt.Errorf("queue: removing run %d: %w", run, err)
	}
	return nil
}
