package shaping

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// lookEvery is how often a Book looks at its file. A file is read when it has not
// changed between two looks, so that one that is being written is left alone.
const lookEvery = time.Second

// Book holds the table in force. Run follows the operator's file; everybody else only
// reads.
type Book struct {
	file  string
	log   *slog.Logger
	table atomic.Pointer[Table]

	seen, read stamp // of the file, at the last look and when it was read; Run's
}

// stamp is how a change of a file is noticed; the zero stamp is that of none.
type stamp struct {
	changed time.Time
	size    int64
}

// Open reads the operator's file; "" is none. A file with a mistake is an error here:
// nobody wants to start with other rules than are written.
func Open(file string, log *slog.Logger) (*Book, error) {
	b := &Book{file: file, log: log, read: stampOf(file)}
	t, err := Load(file)
	if err != nil {
		return nil, err
	}
	b.seen = b.read
	b.table.Store(t)
	return b, nil
}

// Table returns the table in force. It costs nothing: ask again for each decision,
// and a change of the file holds at once.
func (b *Book) Table() *Table { return b.table.Load() }

// Run follows the file until ctx is done. A file that is broken or gone changes
// nothing, and is reported once in one line.
func (b *Book) Run(ctx context.Context) {
	if b.file == "" {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.look()
		}
	}
}

func (b *Book) look() {
	now := stampOf(b.file)
	settled := now == b.seen
	b.seen = now
	if !settled || now == b.read {
		return
	}
	b.read = now
	t, err := Load(b.file)
	if err != nil {
		b.log.Error("shaping: the changed rules are not used, those before stay in force", "error", err)
		return
	}
	b.table.Store(t)
	b.log.Info("shaping: changed rules are in force", "file", b.file)
}

func stampOf(file string) stamp {
	info, err := os.Stat(file)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
