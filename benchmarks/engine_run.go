package benchmarks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"time"

	"broadside/campaign"
	"broadside/delivery/meter"
	"broadside/dkim"
	"broadside/store"
)

// prepareJob is to make a data directory with a list of contacts.
type prepareJob struct {
	Dir      string
	Contacts int
	Unsigned bool // no key: the run's messages leave without a signature
}

// prepare is a process of its own so that an import's memory isn't the run's.
func prepare(ctx context.Context, j prepareJob) error {
	if !j.Unsigned {
		if err := addKey(j.Dir); err != nil {
			return err
		}
	}
	db, err := store.Open(ctx, databasePath(j.Dir), store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(importList(ctx, db, letterList, readersOrder(j.Contacts), importRow), db.Close())
}

func addKey(dir string) error {
	keys, err := dkim.OpenKeyring(keysPath(dir))
	if err != nil {
		return err
	}
	key, err := dkim.Generate(letterDomain, "bench", dkim.RSA2048)
	if err != nil {
		return err
	}
	return keys.Add(key)
}

// importList makes a list and imports into it what row makes of each of all, as
// `broadside list import` does once a file's rows are read.
func importList[T any](ctx context.Context, db *store.DB, name string, all []T, row func(int, T) campaign.ImportRow) error {
	now := time.Now()
	list, err := db.CreateList(ctx, name, now)
	if err != nil {
		return err
	}
	im, err := db.BeginImport(ctx, list.ID, "bench.csv", false, now)
	if err != nil {
		return err
	}
	rows := make([]campaign.ImportRow, 0, 1000)
	for i, one := range all {
		rows = append(rows, row(i, one))
		if len(rows) < cap(rows) && i < len(all)-1 {
			continue
		}
		if err := im.Put(ctx, rows); err != nil {
			return errors.Join(err, im.Abort())
		}
		rows = rows[:0]
	}
	_, _, err = im.Finish(ctx, nil)
	return errors.Join(err, im.Abort())
}

// engineJob is to send the letter to everybody in a prepared directory.
type engineJob struct {
	Dir         string
	Sink        string // IP:port
	Connections int
	// PerConnection is how many messages a connection is for; 0: no limit.
	PerConnection int
	TLS           bool // 1.3, or nothing is sent
	// Senders are processes of their own on one NATS server, with Connections for all of
	// them; 0: the engine sends by itself.
	Senders int
	// DNS says where mail goes, "IP:port"; "": all of it to Sink.
	DNS string
	// Offered is how many messages a second become due, whatever the engine makes of
	// them; 0: the planner feeds the run as fast as it is sent.
	Offered float64
	// Messages are asked of the API one by one, Offered a second; 0: a run is sent.
	Messages int
	// Limit is after what time the run is cancelled, once its audience is complete; at
	// four times Limit in any case.
	Limit    time.Duration
	Letter   letter        // {}: usualLetter
	Retry    time.Duration // before each further attempt; 0: as delivery has it
	Profiles string        // a directory to write profiles to; "": none
	Pages    bool          // are served, too
	Viewers  int           // of the run's page
}

func (j *engineJob) letter() letter { return cmp.Or(j.Letter, usualLetter) }

type engineReport struct {
	Started   time.Time // when the run was asked for
	Took      time.Duration
	CPU       time.Duration
	Counts    campaign.Counts
	Memory    int64 // bytes, at its peak
	Disk      int64 // bytes that the run added
	Mallocs   uint64
	GCSeconds float64
	Busy      float64   // part of the machine's processor time that was used, by anybody
	Latencies []Latency // when messages were Offered
	Stages    []StageCPU
	Events    int64 // that the viewers saw
}

// runEngine starts the run, waits for its end, and reports what it cost.
func runEngine(ctx context.Context, j engineJob) (r engineReport, err error) {
	e, err := openFor(ctx, j)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if j.Messages > 0 {
		return e.runMessages(ctx, j)
	}
	if j.Offered > 0 {
		return e.runPaced(ctx, j)
	}
	if j.Pages {
		if e.pages, err = e.servePages(ctx); err != nil {
			return r, err
		}
		defer e.pages.close()
	}
	profile, err := startProfiles(j.Profiles)
	if err != nil {
		return r, err
	}
	ended, err := e.startAll(ctx, j)
	if err != nil {
		return r, errors.Join(err, profile.stop())
	}

	disk := diskUsage(j.Dir)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	gc, cpu, machine := gcSeconds(), meter.CPUTime(), readMachine()
	r.Started = time.Now()
	err = e.sendAll(ctx, j, &r)
	r.Took, r.CPU, r.GCSeconds = time.Since(r.Started), meter.CPUTime()-cpu, gcSeconds()-gc
	r.Busy = readMachine().busySince(machine)
	runtime.ReadMemStats(&after)
	r.Mallocs, r.Disk = after.Mallocs-before.Mallocs, diskUsage(j.Dir)-disk
	if e.seen != nil {
		events, failed := e.seen()
		r.Events, err = events, errors.Join(err, failed)
	}
	if err = errors.Join(err, ended(), profile.stop()); err != nil {
		return r, err
	}
	if j.Profiles != "" {
		if r.Stages, err = readStages(filepath.Join(j.Profiles, cpuProfile), r.Counts.Accepted); err != nil {
			return r, err
		}
	}
	r.Memory, err = meter.PeakMemory()
	return r, err
}

// startAll starts the roles, and returns what ends them.
func (e *engine) startAll(ctx context.Context, j engineJob) (end func() error, err error) {
	if j.Senders == 0 {
		sender, err := e.sender(ctx, j, nil)
		if err != nil {
			return nil, err
		}
		return e.start(ctx, e.planning(), e.recording(e.store), sender.Run), nil
	}
	sent, err := e.startSenders(ctx, j)
	if err != nil {
		return nil, err
	}
	ended := e.start(ctx, e.planning(), e.recording(e.store))
	return func() error { return errors.Join(sent(), ended()) }, nil
}

// sendAll starts a run and waits until it is finished, or cancels it at the limit.
func (e *engine) sendAll(ctx context.Context, j engineJob, r *engineReport) error {
	service := &campaign.Service{Store: e.store, PublicURL: "https://" + letterDomain, Now: time.Now}
	spec := j.letter().spec()
	if _, err := service.Create(ctx, spec); err != nil {
		return err
	}
	r.Started = time.Now()
	run, err := service.Start(ctx, spec.Name, time.Time{})
	if err != nil {
		return err
	}
	if j.Viewers > 0 {
		if err := e.show(ctx, run.ID, j.Viewers); err != nil {
			return err
		}
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if run, err = e.store.RunByID(ctx, run.ID); err != nil {
			return err
		}
		limited := j.over(time.Since(r.Started), run.SnapshotDone)
		if run.State != campaign.RunFinished && !limited {
			continue
		}
		if r.Counts, err = e.store.Counts(ctx, run.ID); err != nil {
			return err
		}
		if !r.Counts.Balanced() {
			return fmt.Errorf("the ledger doesn't balance: %+v", r.Counts)
		}
		if limited {
			_, err = service.Cancel(ctx, spec.Name, "the benchmark's time is over")
		}
		return err
	}
}

func (j *engineJob) over(took time.Duration, snapshotDone bool) bool {
	return took > j.Limit && snapshotDone || took > 4*j.Limit
}

// gcSeconds is the processor time that garbage collection has used.
func gcSeconds() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64()
}

// diskUsage is the size of all files under dir; those that vanish meanwhile have none.
func diskUsage(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}
