package bounce

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Mailbox is one on an IMAP server. Its password crosses the network under TLS only.
type Mailbox struct {
	Addr           string // host:port
	StartTLS       bool   // port 143's way; otherwise TLS from the first byte
	User, Password string
	Name           string      // "INBOX"
	TLSConfig      *tls.Config // nil: as the system trusts
	Every          time.Duration
}

// imapSession bounds one look at the mailbox: the next one goes on where it ended.
const imapSession = 5 * time.Minute

// ReadIMAP takes the unseen messages of a mailbox until ctx is done, looking every so
// often over a connection of its own. What was taken is marked as seen; what nobody but
// a person can answer stays unseen, and is not looked at again. A server that is away
// is asked again.
func (r *Receiver) ReadIMAP(ctx context.Context, box Mailbox) error {
	tick := time.NewTicker(box.Every)
	defer tick.Stop()
	var at place
	for {
		if err := r.lookIMAP(ctx, box, &at); err != nil && ctx.Err() == nil {
			r.Log.Error("bounce: the mailbox could not be read, trying again", "server", box.Addr, "mailbox", box.Name, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// place is how far a mailbox was read.
type place struct {
	validity uint32   // of the numbers: RFC 9051 §2.3.1.1
	next     imap.UID // the first that was not looked at
}

func (r *Receiver) lookIMAP(ctx context.Context, box Mailbox, at *place) error {
	ctx, cancel := context.WithTimeout(ctx, imapSession)
	defer cancel()
	c, err := box.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	// The library has no contexts: closing the connection ends whatever waits on it.
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.Login(box.User, box.Password).Wait(); err != nil {
		return fmt.Errorf("log in as %s: %w", box.User, err)
	}
	selected, err := c.Select(box.Name, nil).Wait()
	if err != nil {
		return fmt.Errorf("select %s: %w", box.Name, err)
	}
	if selected.UIDValidity != at.validity {
		*at = place{validity: selected.UIDValidity, next: 1}
	}
	unseen, err := unseenFrom(c, at.next)
	if err != nil {
		return err
	}
	for _, uid := range unseen {
		if err := r.takeIMAP(ctx, c, uid); err != nil {
			return fmt.Errorf("message %d: %w", uid, err)
		}
		at.next = uid + 1
	}
	return c.Logout().Wait()
}

func (b Mailbox) dial(ctx context.Context) (*imapclient.Client, error) {
	host, _, err := net.SplitHostPort(b.Addr)
	if err != nil {
		return nil, err
	}
	secure := b.TLSConfig.Clone()
	if secure == nil {
		secure = &tls.Config{}
	}
	if secure.ServerName == "" {
		secure.ServerName = host
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", b.Addr)
	if err != nil {
		return nil, err
	}
	if b.StartTLS {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		return imapclient.NewStartTLS(conn, &imapclient.Options{TLSConfig: secure})
	}
	encrypted := tls.Client(conn, secure)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return imapclient.New(encrypted, nil), nil
}

// unseenFrom returns the numbers of unseen messages, ascending.
func unseenFrom(c *imapclient.Client, first imap.UID) ([]imap.UID, error) {
	found, err := c.UIDSearch(&imap.SearchCriteria{
		UID:     []imap.UIDSet{{imap.UIDRange{Start: first}}}, // to the last one
		NotFlag: []imap.Flag{imap.FlagSeen},
	}, nil).Wait()
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	var list []imap.UID
	for _, uid := range found.AllUIDs() {
		if uid >= first { // "first:*" names the last message, however small its number
			list = append(list, uid)
		}
	}
	return list, nil
}

// takeIMAP takes one message and marks it as seen if it is no person's.
func (r *Receiver) takeIMAP(ctx context.Context, c *imapclient.Client, uid imap.UID) error {
	head, size, err := r.fetch(c, uid)
	if err != nil || head == nil {
		return err
	}
	handled, err := r.stored(context.WithoutCancel(ctx), head, size)
	if err != nil || !handled {
		return err
	}
	seen := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagSeen}, Silent: true}
	return c.Store(imap.UIDSetNum(uid), seen, nil).Close()
}

// fetch reads the beginning of a message, without marking it; nil when it is gone.
func (r *Receiver) fetch(c *imapclient.Client, uid imap.UID) (head []byte, size int64, err error) {
	section := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: r.Limits.ReadBytes}}
	cmd := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section}})
	if msg := cmd.Next(); msg != nil {
		for item := msg.Next(); item != nil; item = msg.Next() {
			switch item := item.(type) {
			case imapclient.FetchItemDataRFC822Size:
				size = item.Size
			case imapclient.FetchItemDataBodySection:
				if item.Literal == nil {
					continue
				}
				if head, err = io.ReadAll(io.LimitReader(item.Literal, r.Limits.ReadBytes)); err != nil {
					return nil, 0, errors.Join(err, cmd.Close())
				}
			}
		}
	}
	return head, size, cmd.Close()
}
