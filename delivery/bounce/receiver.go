package bounce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"broadside/campaign"
	"broadside/campaign/token"
)

// Store is what the receiver needs of the store.
type Store interface {
	// RecipientOf returns a run's ledger row about a contact, with the contact's
	// address ("" when it was erased); campaign.ErrNotFound.
	RecipientOf(ctx context.Context, run campaign.RunID, contact campaign.ContactID) (campaign.RecipientRow, error)
	// Heard keeps what was heard of recipients and does what follows from it, durably
	// when it returns. What it knows already changes nothing.
	Heard(ctx context.Context, heard []campaign.Feedback) error
}

// Limits bound what strangers may cost.
type Limits struct {
	Connections  int           // at one time
	PerHost      int           // of these from one IPv4 address or IPv6 /64
	Lifetime     time.Duration // of a connection
	Idle         time.Duration // for one command, or for all of a message
	Recipients   int           // of one message
	MessageBytes int64         // accepted: some MTAs return all that they got
	ReadBytes    int64         // kept in memory of a message, and parsed
	Store        time.Duration // for all questions to the store that a message leads to
	// Age is how long after its outcome a recipient's bounces are believed: RFC 5321
	// §4.5.4.1 has servers try for 4 to 5 days, and some give up much later.
	// Complaints have no age: people look into their mailboxes when they please.
	Age time.Duration
}

// DefaultLimits suit the bounces of a large run on a small machine: at most 100 MB.
var DefaultLimits = Limits{
	Connections: 200, PerHost: 50, Lifetime: 10 * time.Minute, Idle: 2 * time.Minute,
	Recipients: 20, MessageBytes: 50 << 20, ReadBytes: 512 << 10,
	Store: 10 * time.Second, Age: 30 * 24 * time.Hour,
}

// Receiver hears bounces and complaints. Its fields are set before Serve and not changed.
type Receiver struct {
	Store  Store
	Tokens *token.Maker
	Trust  Trust
	Hello  string // the name it greets with
	Limits Limits
	Log    *slog.Logger
}

// Serve answers l's connections until ctx is done, and closes l. What is in hand then
// is finished; it returns when every connection is closed: within Limits.Store and the
// time of a write.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	work := context.WithoutCancel(ctx)
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{receiver: r, ctx: work, remote: c.Conn().RemoteAddr().String()}, nil
	}))
	srv.Domain = r.Hello
	srv.MaxRecipients = r.Limits.Recipients
	srv.MaxMessageBytes = r.Limits.MessageBytes
	srv.MaxLineLength = 64 << 10 // bounces return whatever lines they got
	srv.ReadTimeout, srv.WriteTimeout = r.Limits.Idle, 30*time.Second
	srv.EnableSMTPUTF8 = true // for the notices of RFC 6533
	srv.ErrorLog = slog.NewLogLogger(r.Log.Handler(), slog.LevelWarn)

	g := newGate(l, r.Limits)
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(g) }()
	var err error
	select {
	case err = <-ended:
		err = fmt.Errorf("bounce: no more connections: %w", err)
	case <-ctx.Done():
		_ = l.Close()
		<-ended // so that Shutdown knows of every connection
	}
	g.shutdown()
	// It closes the listener, which may be closed, and waits for the connections.
	if closing := srv.Shutdown(work); !errors.Is(closing, net.ErrClosed) {
		err = errors.Join(err, closing)
	}
	return err
}
