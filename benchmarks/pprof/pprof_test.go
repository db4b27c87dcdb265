package pprof

import (
	"bytes"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
)

// A profile that Go writes has this very test on its stacks.
func TestParse(t *testing.T) {
	var data bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&data, 0); err != nil {
		t.Fatal(err)
	}
	samples, err := Parse(data.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	here := slices.IndexFunc(samples, func(s Sample) bool {
		return slices.ContainsFunc(s.Stack, func(f string) bool { return strings.HasSuffix(f, "pprof.TestParse") })
	})
	if here < 0 {
		t.Fatalf("no stack of %d has this test", len(samples))
	}
	if s := samples[here]; len(s.Values) == 0 || s.Values[0] != 1 || s.Stack[len(s.Stack)-1] != "testing.tRunner" {
		t.Errorf("got %+v", s)
	}
}

func FuzzFields(f *testing.F) {
	f.Add([]byte{0x12, 0x04, 0x08, 0x01, 0x10, 0x02})
	f.Add([]byte{0x22, 0x03, 0x08, 0x01, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		p := profile{lines: map[uint64][]uint64{}, names: map[uint64]uint64{}}
		_ = fields(data, p.field) // no panic, whatever it is
	})
}

func TestParseRefuses(t *testing.T) {
	if _, err := Parse([]byte("no profile")); err == nil {
		t.Error("text was read as a profile")
	}
}
