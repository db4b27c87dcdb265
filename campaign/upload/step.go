package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"time"

	"broadside/campaign"
)

// Check begins a dry run of an upload under a plan; campaign.ErrConflict while a step
// is under way or when it is imported.
func (d *Desk) Check(id string, plan Plan) (Upload, error) {
	return d.begin(id, Checking, func(u *Upload) error {
		if u.Phase == Imported {
			return fmt.Errorf("%s is imported already: %w", u.File, campaign.ErrConflict)
		}
		u.Plan = plan
		return nil
	})
}

// Import begins the import of an upload as its last dry run showed it;
// campaign.ErrConflict when there is none.
func (d *Desk) Import(id string) (Upload, error) {
	return d.begin(id, Importing, func(u *Upload) error {
		if u.Phase != Checked {
			return fmt.Errorf("%s has not been checked, or is imported already: %w", u.File, campaign.ErrConflict)
		}
		return nil
	})
}

// Progress tells how far the step under way is; rows and bytes are 0 when there is none.
func (d *Desk) Progress(id string) (Progress, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.running[id]; ok {
		return *p, nil
	}
	u, err := d.get(id)
	return Progress{Phase: u.Phase, Size: u.Size}, err
}

func (d *Desk) begin(id string, phase Phase, prepare func(*Upload) error) (Upload, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, err := d.get(id)
	if err != nil {
		return u, err
	}
	if u.Phase.Busy() {
		return u, fmt.Errorf("%s is being worked on already: %w", u.File, campaign.ErrConflict)
	}
	if err := prepare(&u); err != nil {
		return u, err
	}
	// The store keeps milliseconds: by this time the import is found after a crash.
	u.Phase, u.Problem, u.Began = phase, "", d.now().UTC().Truncate(time.Millisecond)
	if err := d.save(u); err != nil {
		return u, fmt.Errorf("upload %s: %w", id, err)
	}
	d.running[id] = &Progress{Phase: phase, Size: u.Size}
	d.work.Go(func() { d.step(u) })
	return u, nil
}

// step runs over the file and writes down what came of it.
func (d *Desk) step(u Upload) {
	report, err := d.run(u)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, u.ID)
	switch {
	case err != nil:
		u.Phase, u.Problem = Received, err.Error()
		d.log.Warn("uploads: step failed", "upload", u.ID, "file", u.File, "error", err)
	case u.Phase == Importing:
		u.Phase, u.Report = Imported, &report
	default:
		u.Phase, u.Report = Checked, &report
	}
	if err := d.save(u); err != nil {
		d.log.Error("uploads: what a step did is not written down", "upload", u.ID, "phase", u.Phase, "error", err)
	}
	if u.Phase == Imported {
		if err := d.root.Remove(path.Join(u.ID, "file")); err != nil {
			d.log.Warn("uploads: an imported file is not removed", "upload", u.ID, "error", err)
		}
	}
}

func (d *Desk) run(u Upload) (campaign.ImportReport, error) {
	select {
	case d.turn <- struct{}{}:
	case <-d.ctx.Done():
		return campaign.ImportReport{}, errStopped
	}
	defer func() { <-d.turn }()
	report, err := d.runOver(u)
	if d.ctx.Err() != nil && err != nil {
		err = errStopped
	}
	return report, err
}

var errStopped = errors.New("the server was stopped, and nothing was imported: try again")

func (d *Desk) runOver(u Upload) (report campaign.ImportReport, err error) {
	file, reader, err := d.open(u)
	if err != nil {
		return report, err
	}
	defer file.Close()
	defer reader.Close()
	list, created, err := d.listFor(d.ctx, u)
	if err != nil {
		return report, err
	}
	im := campaign.Importer{
		Store: d.store, List: list, Mapping: u.Plan.Mapping, LeaveOut: u.Plan.LeaveOut, DryRun: u.Phase == Checking,
		Progress: func(p campaign.ImportProgress) {
			d.mu.Lock()
			defer d.mu.Unlock()
			*d.running[u.ID] = Progress{Phase: u.Phase, Rows: p.Rows, Bytes: p.Bytes, Size: p.Size}
		},
	}
	err = d.write(path.Join(u.ID, "rejects.csv"), func(w io.Writer) (err error) {
		im.Rejects = w
		report, err = im.Run(d.ctx, reader, u.Began)
		return err
	})
	if created && (err != nil || im.DryRun) {
		err = errors.Join(err, d.store.DropEmptyList(context.WithoutCancel(d.ctx), list))
	}
	return report, err
}

func (d *Desk) listFor(ctx context.Context, u Upload) (id campaign.ListID, created bool, err error) {
	l, err := d.store.ListByName(ctx, u.Plan.List)
	if errors.Is(err, campaign.ErrNotFound) {
		l, err = d.store.CreateList(ctx, u.Plan.List, u.Began)
		created = err == nil
	}
	return l.ID, created, err
}

// settle finds out what became of the steps that a process left under way.
func (d *Desk) settle(ctx context.Context) error {
	all, err := d.List()
	if err != nil {
		return err
	}
	for _, u := range all {
		if !u.Phase.Busy() {
			continue
		}
		done, err := d.imported(ctx, u)
		switch {
		case err != nil:
			return fmt.Errorf("upload %s: %w", u.ID, err)
		case done.ID != 0:
			u.Phase, u.Report = Imported, reportOf(u, done)
		default:
			u.Phase, u.Problem = Received, errStopped.Error()
		}
		if err := d.save(u); err != nil {
			return fmt.Errorf("upload %s: %w", u.ID, err)
		}
	}
	return nil
}

// imported finds the import that a step made, if it got that far.
func (d *Desk) imported(ctx context.Context, u Upload) (campaign.Import, error) {
	l, err := d.store.ListByName(ctx, u.Plan.List)
	if errors.Is(err, campaign.ErrNotFound) || u.Phase != Importing {
		return campaign.Import{}, nil
	}
	if err != nil {
		return campaign.Import{}, err
	}
	imports, err := d.store.Imports(ctx, l.ID, 0, 50)
	for _, im := range imports {
		if im.At.Equal(u.Began) && im.File == u.File {
			return im, err
		}
	}
	return campaign.Import{}, err
}

// reportOf is the report of an import whose process ended before it wrote one: the
// counts are the store's, the rest is the dry run's.
func reportOf(u Upload, im campaign.Import) *campaign.ImportReport {
	r := campaign.ImportReport{File: u.File}
	if u.Report != nil {
		r = *u.Report
	}
	r.DryRun, r.ImportCounts, r.Import = false, im.Counts, im.ID
	return &r
}
