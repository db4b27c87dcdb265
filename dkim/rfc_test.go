package dkim

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

// dinner is the message of RFC 6376 and RFC 8463, appendix A.
var dinner = []byte(strings.ReplaceAll(dinnerHeader+`
Hi.

We lost the game.  Are you hungry yet?

Joe.
`, "\n", "\r\n"))

const dinnerHeader = `From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>
`

// rfc8463 is how the RFC signs it with both its keys.
const rfc8463 = `DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
`

// D6: the RFC's message verifies with the records that our keys publish.
func TestRFC8463Verifies(t *testing.T) {
	msg := append([]byte(strings.ReplaceAll(rfc8463, "\n", "\r\n")), dinner...)
	got, err := Verify(msg, records(rfcRSA(t), rfcEd25519(t)))
	if err != nil || len(got) != 2 {
		t.Fatalf("Verify = %v, %v, want two signatures", got, err)
	}
	for i, v := range got {
		if v.Err != nil || v.Domain != testDomain || !v.Signed.Equal(testTime) {
			t.Errorf("signature %d: %+v", i, v)
		}
	}
}

// The RFC's signatures are the ones our own parts compute: body hash, relaxed
// header, digest, both algorithms.
func TestRFC8463Signs(t *testing.T) {
	var w workspace
	w.hasher.hash = sha256.New()
	if err := w.read(dinner, nil); err != nil {
		t.Fatal(err)
	}
	const bodyHash = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="
	if got := base64.StdEncoding.EncodeToString(w.body[:]); got != bodyHash {
		t.Errorf("body hash %s, want %s", got, bodyHash)
	}
	for _, k := range []*Key{rfcEd25519(t), rfcRSA(t)} {
		want, tags := rfcSignature(t, k.Selector)
		// The RFC lists from, to, subject, date, message-id: no others are there.
		h := signedHeaders{canonical: rfcOrder(w.headers.fields)}
		digest := h.digest(tags)
		got, err := newBackend(k).sign(nil, &digest)
		if err != nil || base64.StdEncoding.EncodeToString(got) != want {
			t.Errorf("%s: signature %s, %v, want %s", k.Selector, base64.StdEncoding.EncodeToString(got), err, want)
		}
	}
}

// rfcOrder is the header in relaxed form in the order that the RFC's h= has.
func rfcOrder(fields []field) (canonical []byte) {
	for _, f := range fields {
		canonical = appendRelaxed(canonical, signedNames[f.name].name, f.value)
	}
	return canonical
}

// rfcSignature cuts a signature of the RFC into its b= and what stands before.
func rfcSignature(t *testing.T, selector string) (value string, tags []byte) {
	t.Helper()
	for text := range strings.SplitSeq(rfc8463, signatureName+":") {
		before, after, found := strings.Cut(text, "\n b=")
		if found && strings.Contains(before, "s="+selector+";") {
			return strings.Join(strings.Fields(after), ""), []byte(before + "\n b=")
		}
	}
	t.Fatalf("no signature by %s", selector)
	return "", nil
}

// RFC 6376 appendix A.2: simple/simple, which we verify but never write.
func TestRFC6376Verifies(t *testing.T) {
	const signature = `DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
`
	const record = "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
	msg := strings.ReplaceAll(signature, "\n", "\r\n") + strings.Replace(string(dinner), "game.  Are", "game. Are", 1)
	got, err := Verify([]byte(msg), func(name string) ([]string, error) {
		if name != "brisbane._domainkey.example.com" {
			return nil, errors.New("asked for " + name)
		}
		return []string{record}, nil
	})
	if err != nil || len(got) != 1 || got[0].Err != nil {
		t.Fatalf("Verify = %+v, %v", got, err)
	}
}

// RFC 6376 §3.4.5, the examples of canonicalization.
func TestRFC6376Relaxed(t *testing.T) {
	header := appendRelaxed(nil, "A", " X\r\n")
	header = appendRelaxed(header, "B", " Y\t\r\n\tZ  \r\n")
	if string(header) != "a:X\r\nb:Y Z\r\n" {
		t.Errorf("header %q", header)
	}
	want := sha256.Sum256([]byte(" C\r\nD E\r\n"))
	if got := bodyHash([]byte(" C \r\nD \t E\r\n\r\n\r\n"), nil); got != want {
		t.Errorf("body hash %x, want %x", got, want)
	}
}

// The published form of an Ed25519 key is the RFC's (RFC 8463 §A.2).
func TestRFC8463Record(t *testing.T) {
	name, txt := rfcEd25519(t).Record()
	if name != "brisbane._domainkey.football.example.com" || txt != "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" {
		t.Errorf("record %s %s", name, txt)
	}
	if len(rfcEd25519(t).private.(ed25519.PrivateKey)) != ed25519.PrivateKeySize {
		t.Error("not an Ed25519 key")
	}
}
