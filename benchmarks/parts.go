package benchmarks

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	msgauth "github.com/emersion/go-msgauth/dkim" // peer
	"golang.org/x/sync/errgroup"

	"broadside/campaign"
	"broadside/campaign/message"
	"broadside/delivery/meter"
	"broadside/dkim"
)

// callers is how many want a signature at a time, per processor.
const callers = 10

// measured is for how long each part is measured.
const measured = time.Second

// measureParts measures what each message needs in isolation: rendering and signing.
func measureParts(_ context.Context, b *bench) (r Result, err error) {
	spec := campaign.Spec{Lists: []string{letterList}}
	content, err := message.Compile(usualLetter.source(), campaign.MessageOptions(spec))
	if err != nil {
		return r, err
	}
	email, _, _ := person(1)
	who := &message.Recipient{
		Email: email, Attributes: []byte(`{"name":"Reader 1","city":"City 1","score":1}`),
		MessageID: "abcdefghijklmnopqrstuvwxyz234567@" + letterDomain, Date: time.Now(),
		Unsubscribe: "https://" + letterDomain + "/u/abcdefghijklmnopqrstuvwxyz234567",
	}
	msg, err := content.Append(nil, who)
	if err != nil {
		return r, err
	}
	r.Setting = fmt.Sprintf("one message of %d bytes; signatures asked for by %d callers at once", len(msg), callers)
	if err := r.measureRender(content, who); err != nil {
		return r, err
	}
	return r, r.measureSign(b.key, msg)
}

func (r *Result) measureRender(content *message.Content, who *message.Recipient) error {
	var buf []byte
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, start := 0, time.Now()
	for ; time.Since(start) < measured; n++ {
		var err error
		if buf, err = content.Append(buf[:0], who); err != nil {
			return err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	r.add("render", "µs", perMicro(took, n)).atMost(20)
	r.add("render: allocations", "", math.Round(float64(after.Mallocs-before.Mallocs)/float64(n)))
	return nil
}

func (r *Result) measureSign(key *dkim.Key, msg []byte) error {
	signer, err := dkim.NewSigner(key)
	if err != nil {
		return err
	}
	private, err := privateKey(key)
	if err != nil {
		return err
	}
	digest := sha256.Sum256(msg)
	plain, err := cpuPer(func(buf []byte) ([]byte, error) {
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	})
	if err != nil {
		return err
	}
	ours, err := cpuPer(func(buf []byte) ([]byte, error) { return signer.Sign(buf[:0], msg, time.Now()) })
	if err != nil {
		return err
	}
	theirs, err := cpuPer(func([]byte) ([]byte, error) {
		return nil, msgauth.Sign(new(bytes.Buffer), bytes.NewReader(msg), &msgauth.SignOptions{
			Domain: key.Domain, Selector: key.Selector, Signer: private,
			HeaderCanonicalization: msgauth.CanonicalizationRelaxed, BodyCanonicalization: msgauth.CanonicalizationRelaxed,
		})
	})
	if err != nil {
		return err
	}
	r.add("sign a message, "+signer.Backend(), "µs of processor time", ours)
	r.add("sign a message, go-msgauth", "µs of processor time", theirs)
	r.add("crypto/rsa alone", "µs of processor time", plain)
	r.add("go-msgauth/ours", "×", theirs/ours)
	return nil
}

func privateKey(key *dkim.Key) (*rsa.PrivateKey, error) {
	text, err := key.PEM()
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	if k, ok := private.(*rsa.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("not an RSA key")
}

// cpuPer is the processor time per call in microseconds, with many callers at once.
func cpuPer(call func(buf []byte) ([]byte, error)) (float64, error) {
	var calls atomic.Int64
	var g errgroup.Group
	cpu, start := meter.CPUTime(), time.Now()
	for range callers * runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			var buf []byte
			for time.Since(start) < measured {
				var err error
				if buf, err = call(buf); err != nil {
					return err
				}
				calls.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return perMicro(meter.CPUTime()-cpu, calls.Load()), err
}
