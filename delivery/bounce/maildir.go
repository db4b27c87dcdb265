package bounce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// ReadMaildir takes the messages that a mail server delivers into a Maildir, until ctx
// is done: it looks every so often. What was taken moves from new to cur, marked as
// seen; what nobody but a person can answer moves there unseen. A message that could
// not be taken stays, and is tried again.
func (r *Receiver) ReadMaildir(ctx context.Context, dir string, every time.Duration) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("bounce: Maildir: %w", err)
	}
	defer root.Close()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := r.sweepMaildir(ctx, root); err != nil {
			return fmt.Errorf("bounce: Maildir %s: %w", dir, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweepMaildir takes what is new. It goes on after a message that could not be taken.
func (r *Receiver) sweepMaildir(ctx context.Context, root *os.Root) error {
	files, err := fs.ReadDir(root.FS(), "new")
	if err != nil {
		return err
	}
	for _, f := range files {
		if ctx.Err() != nil {
			return nil
		}
		if !f.Type().IsRegular() {
			continue
		}
		if err := r.takeFile(ctx, root, f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.Log.Error("bounce: a message stays in the Maildir, to be taken again", "file", f.Name(), "error", err)
		}
	}
	return nil
}

// takeFile takes one message. Killed before it is moved, it is taken again, and what it
// says counts once.
func (r *Receiver) takeFile(ctx context.Context, root *os.Root, name string) error {
	f, err := root.Open(path.Join("new", name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head, err := io.ReadAll(io.LimitReader(f, r.Limits.ReadBytes))
	if err != nil {
		return err
	}
	handled, err := r.stored(context.WithoutCancel(ctx), head, info.Size())
	if err != nil {
		return err
	}
	flags := ":2,"
	if handled {
		flags += "S"
	}
	return root.Rename(path.Join("new", name), path.Join("cur", name+flags))
}
