package upload

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"broadside/campaign"
	"broadside/campaign/listfile"
)

// Store is what imports need.
type Store interface {
	campaign.ImportStore
	DropEmptyList(ctx context.Context, id campaign.ListID) error
}

// Limits bound what people may send.
const (
	MaxFile = 4 << 30            // bytes
	keep    = 7 * 24 * time.Hour // how long a file that nobody imports stays
	atOnce  = 1                  // steps under way; the others wait their turn
)

// Desk receives files and imports them. Make it with Open; Close waits for its work.
type Desk struct {
	store Store
	root  *os.Root
	log   *slog.Logger
	now   func() time.Time

	ctx     context.Context // of the steps under way
	cancel  context.CancelFunc
	work    sync.WaitGroup
	turn    chan struct{}
	mu      sync.Mutex // held while a state is read, changed and written
	running map[string]*Progress
}

// Open takes a directory, which it makes if need be. Steps that were under way when the
// process ended are settled: an import either happened, which the store knows, or not.
func Open(ctx context.Context, dir string, store Store, log *slog.Logger, now func() time.Time) (*Desk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("uploads: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("uploads: %w", err)
	}
	d := &Desk{store: store, root: root, log: log, now: now, turn: make(chan struct{}, atOnce), running: map[string]*Progress{}}
	d.ctx, d.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := d.settle(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close stops the steps under way, of which nothing remains, and waits for them.
func (d *Desk) Close() error {
	d.cancel()
	d.work.Wait()
	return d.root.Close()
}

// Receive streams a file to disk. An upload that breaks off, or that is no list as far as
// its first rows say, leaves nothing: a *listfile.Error says what it is instead.
func (d *Desk) Receive(by, name string, r io.Reader) (Upload, error) {
	d.sweep()
	var random [12]byte
	rand.Read(random[:]) // never fails
	u := Upload{ID: hex.EncodeToString(random[:]), File: path.Base(path.Clean("/" + name)), By: by, At: d.now(), Phase: Received}
	if err := d.root.Mkdir(u.ID, 0o700); err != nil {
		return u, fmt.Errorf("receive %s: %w", u.File, err)
	}
	err := d.write(path.Join(u.ID, "file"), func(w io.Writer) (err error) {
		u.Size, err = io.Copy(w, io.LimitReader(r, MaxFile+1))
		return err
	})
	switch {
	case err == nil && u.Size > MaxFile:
		err = &listfile.Error{File: u.File, Text: fmt.Sprintf("has more than %d GB; split it, or pack it with gzip", MaxFile>>30)}
	case err == nil && u.Size == 0:
		err = &listfile.Error{File: u.File, Text: "is empty; export the list again"}
	}
	if err == nil {
		err = d.readable(u)
	}
	if err == nil {
		err = d.save(u)
	}
	if err != nil {
		return u, errors.Join(fmt.Errorf("receive %s: %w", u.File, err), d.root.RemoveAll(u.ID))
	}
	return u, nil
}

// Get returns an upload; campaign.ErrNotFound.
func (d *Desk) Get(id string) (Upload, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.get(id)
}

func (d *Desk) get(id string) (Upload, error) {
	var u Upload
	if _, err := hex.DecodeString(id); err != nil || len(id) != 24 {
		return u, fmt.Errorf("upload %q: %w", id, campaign.ErrNotFound)
	}
	text, err := d.root.ReadFile(path.Join(id, "state.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return u, fmt.Errorf("upload %q: %w", id, campaign.ErrNotFound)
	}
	if err == nil {
		err = json.Unmarshal(text, &u)
	}
	if err != nil {
		return u, fmt.Errorf("upload %s: %w", id, err)
	}
	return u, nil
}

// List returns all uploads, newest first.
func (d *Desk) List() ([]Upload, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("uploads: %w", err)
	}
	var all []Upload
	for _, e := range entries {
		u, err := d.Get(e.Name())
		if err != nil {
			continue // it is being received, or went
		}
		all = append(all, u)
	}
	slices.SortFunc(all, func(a, b Upload) int { return b.At.Compare(a.At) })
	return all, nil
}

// Look opens an upload and tells what its first rows say under a mapping.
func (d *Desk) Look(u Upload, m campaign.Mapping, rows int) (Look, error) {
	file, reader, err := d.open(u)
	if err != nil {
		return Look{}, err
	}
	defer file.Close()
	defer reader.Close()
	look := Look{Format: reader.Format()}
	look.Columns, err = campaign.LookAt(reader, m, rows)
	if err != nil {
		look.Problem = err.Error()
	}
	return look, nil
}

// Rejects opens what the last step would not import; campaign.ErrNotFound when there
// was none. The caller closes it.
func (d *Desk) Rejects(id string) (io.ReadCloser, error) {
	if _, err := d.Get(id); err != nil {
		return nil, err
	}
	f, err := d.root.Open(path.Join(id, "rejects.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		err = campaign.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("rejects of upload %s: %w", id, err)
	}
	return f, nil
}

// Discard removes an upload; campaign.ErrConflict while a step is under way.
func (d *Desk) Discard(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, err := d.get(id)
	if err != nil {
		return err
	}
	if u.Phase.Busy() {
		return fmt.Errorf("%s is being worked on: %w", u.File, campaign.ErrConflict)
	}
	return d.root.RemoveAll(id)
}

// readable tells what keeps a file's first rows from being read as a list.
func (d *Desk) readable(u Upload) error {
	file, reader, err := d.open(u)
	if err != nil {
		return err
	}
	defer file.Close()
	defer reader.Close()
	for range len(reader.Head()) + 1 {
		if _, err = reader.Next(); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (d *Desk) open(u Upload) (*os.File, *listfile.Reader, error) {
	f, err := d.root.Open(path.Join(u.ID, "file"))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("the file of upload %s: %w", u.ID, campaign.ErrNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := listfile.Open(f, u.Size, u.File, listfile.Limits{})
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, r, nil
}

// save writes an upload's state whole, or leaves what was.
func (d *Desk) save(u Upload) error {
	text, err := json.Marshal(u)
	if err != nil {
		return err
	}
	next := path.Join(u.ID, "state.new")
	if err := d.write(next, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	return d.root.Rename(next, path.Join(u.ID, "state.json"))
}

func (d *Desk) write(name string, fill func(io.Writer) error) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}

// sweep removes what is older than a week.
func (d *Desk) sweep() {
	all, err := d.List()
	if err != nil {
		d.log.Warn("uploads: old files are not removed", "error", err)
		return
	}
	for _, u := range all {
		if d.now().Sub(u.At) < keep {
			continue
		}
		if err := d.Discard(u.ID); err != nil && !errors.Is(err, campaign.ErrConflict) {
			d.log.Warn("uploads: an old file is not removed", "upload", u.ID, "error", err)
		}
	}
}
