package delivery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"broadside/campaign"
)

// Claims remember on disk which messages have begun to be sent and have no durable
// outcome yet, so that after the death of the process the few that may have arrived are
// told from the many that were only in hand. A claim has a slot in a file, and is one
// write into the system's cache, which outlives the process. It is lost with the
// machine's power: the second copies of that moment are then not counted.
//
// What stands in a slot needs no removing before the slot is used again: it counts only
// for a job that comes again and has no outcome in the ledger.
type Claims struct {
	before map[try]bool // claimed in earlier lives

	mu   sync.Mutex
	file *os.File
	free []int64 // offsets of slots that no message has
	end  int64
}

const (
	claimSize = 8 + 2 + 8 + 2
	// claimLife is longer than any job waits for another try.
	claimLife = 7 * 24 * time.Hour
)

// OpenClaims reads the claims of earlier lives from a directory and begins a new file
// there. The caller has made sure that no other process uses the directory.
func OpenClaims(dir string) (*Claims, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	c := &Claims{before: map[try]bool{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	for _, e := range entries {
		if err := c.read(dir, e); err != nil {
			return nil, fmt.Errorf("claims: %w", err)
		}
	}
	if c.file, err = os.CreateTemp(dir, "life-"); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return c, nil
}

// read takes in one file, or removes it when its time is over.
func (c *Claims) read(dir string, e fs.DirEntry) error {
	path := filepath.Join(dir, e.Name())
	info, err := e.Info()
	if err != nil {
		return err
	}
	if time.Since(info.ModTime()) > claimLife || info.Size() == 0 {
		return os.Remove(path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for ; len(b) >= claimSize; b = b[claimSize:] {
		c.before[decodeClaim(b)] = true
	}
	return nil
}

// Close ends the writing of claims. They are needed no longer unless some outcomes
// could not be made durable, as when the queue's disk is full.
func (c *Claims) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.file.Close()
	if int64(len(c.free))*claimSize < c.end {
		return err
	}
	return errors.Join(err, os.Remove(c.file.Name()))
}

// suspect reports whether an earlier holder of a job may have sent it: for all that
// is known without claims.
func (c *Claims) suspect(t try) bool { return c == nil || c.before[t] }

// claim is a slot; nil where there are no claims.
type claim struct {
	claims *Claims
	offset int64
}

// add claims an item before its first byte is sent.
func (c *Claims) add(it *item) error {
	if c == nil || it.claim != nil {
		return nil
	}
	it.claim = &claim{c, c.slot()}
	b := encodeClaim(it.try())
	if _, err := c.file.WriteAt(b[:], it.claim.offset); err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	return nil
}

func (c *Claims) slot() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free); n > 0 {
		at := c.free[n-1]
		c.free = c.free[:n-1]
		return at
	}
	c.end += claimSize
	return c.end - claimSize
}

// giveBack frees the slot: the outcome is durable, or there is none to wait for.
func (cl *claim) giveBack() {
	if cl == nil {
		return
	}
	cl.claims.mu.Lock()
	defer cl.claims.mu.Unlock()
	cl.claims.free = append(cl.claims.free, cl.offset)
}

func encodeClaim(t try) (b [claimSize]byte) {
	binary.LittleEndian.PutUint64(b[0:], uint64(t.who.Run))
	binary.LittleEndian.PutUint16(b[8:], uint16(t.who.Lane))
	binary.LittleEndian.PutUint64(b[10:], uint64(t.who.Contact))
	binary.LittleEndian.PutUint16(b[18:], t.attempt)
	return b
}

func decodeClaim(b []byte) try {
	return try{
		who: campaign.Recipient{
			Run:     campaign.RunID(binary.LittleEndian.Uint64(b[0:])),
			Lane:    campaign.Lane(binary.LittleEndian.Uint16(b[8:])),
			Contact: campaign.ContactID(binary.LittleEndian.Uint64(b[10:])),
		},
		attempt: binary.LittleEndian.Uint16(b[18:]),
	}
}
