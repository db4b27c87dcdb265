package dkim

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
)

// newsletter is a message of about n bytes as campaigns send them: quoted-printable
// HTML, a tenth of it indented.
func newsletter(tb testing.TB, n int) []byte {
	tb.Helper()
	msg := bytes.TrimSuffix(goldens(tb)["13-newsletter"], []byte("--=_b1--\r\n"))
	for i := 0; len(msg) < n; i++ {
		line := "<p style=3D\"color:#333;margin:0\">An offer for you, caf=C3=A9 and more of it=\r\n"
		if i%10 == 0 {
			line = "    <td>\r\n"
		}
		msg = append(msg, line...)
	}
	return append(msg, "--=_b1--\r\n"...)
}

// free is a backend that costs nothing, to see what the rest of Sign costs.
type free struct{}

func (free) name() string { return "free" }

func (free) sign(dst []byte, _ *[sha256.Size]byte) ([]byte, error) {
	return append(dst, make([]byte, 256)...), nil
}

func freeSigner(tb testing.TB) *Signer {
	return &Signer{keys: []signingKey{{Key: rfcRSA(tb), backend: free{}}}}
}

// Everything but the private key's operation.
func BenchmarkSignWithoutKey(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"2KB", 2 << 10}, {"15KB", 15 << 10}, {"100KB", 100 << 10}} {
		msg := newsletter(b, size.n)
		_, body, _ := bytes.Cut(msg, []byte("\r\n\r\n"))
		for name, shared := range map[string]*BodyPrefix{"whole": nil, "shared": NewBodyPrefix(body)} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				s := freeSigner(b)
				var dst []byte
				b.SetBytes(int64(len(msg)))
				b.ReportAllocs()
				for b.Loop() {
					var err error
					if dst, err = s.SignShared(dst[:0], msg, shared, testTime); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What SHA-256 alone costs, the floor of the above.
func BenchmarkSHA256(b *testing.B) {
	msg := newsletter(b, 15<<10)
	b.SetBytes(int64(len(msg)))
	for b.Loop() {
		sha256.Sum256(msg)
	}
}

func BenchmarkSign(b *testing.B) {
	msg := newsletter(b, 15<<10)
	for _, key := range []*Key{generate(b, "r", RSA2048), generate(b, "e", Ed25519)} {
		s := newSigner(b, key)
		b.Run(strings.ReplaceAll(s.Backend(), " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(20) // connections in need of a signature per processor
			b.RunParallel(func(pb *testing.PB) {
				var dst []byte
				for pb.Next() {
					var err error
					if dst, err = s.Sign(dst[:0], msg, testTime); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
