//go:build unix

package rsa8

import (
	"crypto"
	"crypto/rsa"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Signatures per second of one core: eight lanes, crypto/rsa, and OpenSSL in the
// same run, since only their ratios say something about the code. The time is the
// processor's, as openssl speed counts it, so that a busy machine does little harm.
func BenchmarkSign(b *testing.B) {
	key := testKey()
	batch := prepare(b, key)
	digests, sigs := randomDigests(Lanes), make([][Size]byte, Lanes)
	ours := perSecond(b, "rsa8", Lanes, func() error { return batch.Sign(sigs, digests) })
	perSecond(b, "crypto-rsa", 1, func() error {
		_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digests[0][:])
		return err
	})
	b.Run("openssl", func(b *testing.B) {
		var rate float64
		for b.Loop() {
			rate = opensslRate(b)
		}
		b.ReportMetric(rate, "sigs/s")
		b.ReportMetric(ours/rate, "rsa8/openssl")
	})
}

// perSecond runs a benchmark of something that makes n signatures.
func perSecond(b *testing.B, name string, n int, sign func() error) (rate float64) {
	b.Run(name, func(b *testing.B) {
		start := cpuTime(b)
		for b.Loop() {
			if err := sign(); err != nil {
				b.Fatal(err)
			}
		}
		rate = float64(n) * float64(b.N) / (cpuTime(b) - start).Seconds()
		b.ReportMetric(rate, "sigs/s")
	})
	return rate
}

// cpuTime is what this process has used of the processor.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var opensslLine = regexp.MustCompile(`(?m)^rsa 2048 bits +\S+ +\S+ +([0-9.]+)`)

// opensslRate is what openssl speed measures in a second on one core.
func opensslRate(b *testing.B) float64 {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "openssl", "speed", "-seconds", "1", "rsa2048").Output()
	if err != nil {
		b.Fatalf("openssl is missing: apt-get install openssl (%v)", err)
	}
	found := opensslLine.FindSubmatch(out)
	if found == nil {
		b.Fatalf("openssl speed printed no rate:\n%s", out)
	}
	rate, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return rate
}
