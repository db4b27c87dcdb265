package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"broadside/dkim"
)

// txts answers for TXT records; "" stands for a server that does not.
type txts map[string]string

func (z txts) LookupTXTTTL(_ context.Context, name string) ([]string, time.Duration, error) {
	text, ok := z[name]
	switch {
	case !ok:
		return nil, 0, &net.DNSError{Err: "no such name", Name: name, IsNotFound: true}
	case text == "":
		return nil, 0, errors.New("no answer")
	}
	return []string{text}, 0, nil
}

// B2: only what a key in DNS signed is signed, and DNS that is silent is asked again.
func TestSigners(t *testing.T) {
	key, err := dkim.Generate("isp.example", "s1", dkim.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := dkim.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	plain := "From: <feedback@isp.example>\r\nTo: x@example.org\r\nSubject: report\r\nDate: Mon, 04 May 2026 03:02:01 +0000\r\n\r\nabuse\r\n"
	signature, err := signer.Sign(nil, []byte(plain), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	signed := string(signature) + plain
	name, record := key.Record()
	name = strings.TrimSuffix(name, ".")
	for _, tt := range []struct {
		name, msg string
		zone      txts
		want      []string
		fails     bool
	}{
		{"signed", signed, txts{name: record}, []string{"isp.example"}, false},
		{"changed", strings.Replace(signed, "abuse", "abase", 1), txts{name: record}, nil, false},
		{"not signed", plain, txts{name: record}, nil, false},
		{"key withdrawn", signed, txts{}, nil, false},
		{"DNS is silent", signed, txts{name: ""}, nil, true},
		{"no message", "\x00", txts{}, nil, false},
		{"made to keep us busy", strings.Repeat(string(signature), 11) + plain, txts{name: record}, nil, false},
	} {
		got, err := signers(t.Context(), tt.zone, []byte(tt.msg))
		if !slices.Equal(got, tt.want) || (err != nil) != tt.fails {
			t.Errorf("%s: %q, %v", tt.name, got, err)
		}
	}
}
