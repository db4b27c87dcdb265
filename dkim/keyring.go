package dkim

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// activeFile names the selectors that sign for a domain, one a line.
const activeFile = "active"

// Keyring is the private keys in a directory, read once and again by Reload. Keys
// that no longer sign stay in it, since their records must stay published until the
// last message they signed has left every queue. It is safe for concurrent use.
type Keyring struct {
	dir string

	mu      sync.RWMutex
	domains map[string]*domainKeys
}

// domainKeys is what the directory of one domain holds.
type domainKeys struct {
	all    []storedKey // newest first
	active []*Key      // that sign, for NewSigner
}

type storedKey struct {
	key     *Key
	written time.Time
}

// OpenKeyring reads the keys in dir, which is made when it is missing. A file that
// can't be read or is open to everyone is an error: mail that silently goes out
// unsigned is worse than a start that fails.
func OpenKeyring(dir string) (*Keyring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the DKIM keys: %w", err)
	}
	r := &Keyring{dir: dir}
	if err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Reload reads the directory again. On an error the keys stay as they were.
func (r *Keyring) Reload() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reload()
}

func (r *Keyring) reload() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("read the DKIM keys: %w", err)
	}
	domains := make(map[string]*domainKeys)
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		keys, err := readDomain(r.dir, entry.Name())
		if err != nil {
			return err
		}
		if len(keys.all) > 0 {
			domains[entry.Name()] = keys
		}
	}
	r.domains = domains
	return nil
}

func readDomain(dir, domain string) (*domainKeys, error) {
	paths, err := filepath.Glob(filepath.Join(dir, domain, "*.pem"))
	if err != nil {
		return nil, fmt.Errorf("read the DKIM keys of %s: %w", domain, err)
	}
	keys := new(domainKeys)
	for _, path := range paths {
		stored, err := readKey(path, domain)
		if err != nil {
			return nil, fmt.Errorf("DKIM key %s: %w", path, err)
		}
		keys.all = append(keys.all, stored)
	}
	slices.SortFunc(keys.all, func(a, b storedKey) int {
		return cmp.Or(b.written.Compare(a.written), cmp.Compare(a.key.Selector, b.key.Selector))
	})
	keys.active, err = chooseActive(filepath.Join(dir, domain, activeFile), keys.all)
	return keys, err
}

func readKey(path, domain string) (storedKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return storedKey{}, err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return storedKey{}, fmt.Errorf("everyone may read it (mode %04o): chmod 600 it", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return storedKey{}, err
	}
	key, err := ParseKey(domain, strings.TrimSuffix(filepath.Base(path), ".pem"), text)
	if err != nil {
		return storedKey{}, err
	}
	return storedKey{key: key, written: info.ModTime()}, nil
}

// chooseActive takes the keys that the file at path names; without a file the
// newest RSA key, since not every receiver verifies Ed25519.
func chooseActive(path string, all []storedKey) ([]*Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newest(all), nil
	}
	if err != nil {
		return nil, err
	}
	var active []*Key
	for selector := range strings.FieldsSeq(string(text)) {
		key := find(all, selector)
		if key == nil {
			return nil, fmt.Errorf("%s names the selector %s, which has no key: add %s.pem beside it or remove the line", path, selector, selector)
		}
		active = append(active, key)
	}
	if err := checkKeys(active); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return active, nil
}

func find(all []storedKey, selector string) *Key {
	for _, stored := range all {
		if stored.key.Selector == selector {
			return stored.key
		}
	}
	return nil
}

func newest(all []storedKey) []*Key {
	if len(all) == 0 {
		return nil
	}
	i := slices.IndexFunc(all, func(s storedKey) bool { return s.key.Algorithm() == RSA2048 })
	return []*Key{all[max(i, 0)].key}
}

// Add writes a key into the directory, mode 0600. It never replaces a key, and it
// never changes which key signs for a domain that has one: receivers must find the
// new record in DNS first. Then Activate switches.
func (r *Keyring) Add(k *Key) error {
	text, err := k.PEM()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reload(); err != nil { // what was put there by hand signs too
		return err
	}
	dir := filepath.Join(r.dir, k.Domain)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("add a DKIM key: %w", err)
	}
	if known := r.domains[k.Domain]; known != nil {
		if err := writeActive(dir, known.active); err != nil {
			return fmt.Errorf("add a DKIM key: %w", err)
		}
	}
	if err := writeNew(filepath.Join(dir, k.Selector+".pem"), text); err != nil {
		return fmt.Errorf("add a DKIM key: %w", err)
	}
	return r.reload()
}

// Activate makes the named selectors of a domain sign from the next NewSigner on:
// one, or an RSA key and then an Ed25519 key.
func (r *Keyring) Activate(domain string, selectors ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.reload(); err != nil {
		return err
	}
	known := r.domains[domain]
	if known == nil {
		return fmt.Errorf("no DKIM key for %s in %s: generate one", domain, r.dir)
	}
	var keys []*Key
	for _, selector := range selectors {
		key := find(known.all, selector)
		if key == nil {
			return fmt.Errorf("no DKIM key %s for %s in %s: generate it first", selector, domain, r.dir)
		}
		keys = append(keys, key)
	}
	if err := checkKeys(keys); err != nil {
		return err
	}
	if err := writeActive(filepath.Join(r.dir, domain), keys); err != nil {
		return fmt.Errorf("switch the DKIM key of %s: %w", domain, err)
	}
	return r.reload()
}

// For is the keys that sign mail from a domain, for NewSigner: its own, else those
// of the closest parent domain, which DMARC's relaxed alignment accepts (RFC 9989
// §4.4). Nil when there are none.
func (r *Keyring) For(domain string) []*Key {
	domain = strings.TrimSuffix(strings.ToLower(domain), ".")
	r.mu.RLock()
	defer r.mu.RUnlock()
	for domain != "" {
		if keys := r.domains[domain]; keys != nil {
			return slices.Clone(keys.active)
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	return nil
}

// Keys is every key in the directory, by domain and then from the newest: all of
// them need their record in DNS.
func (r *Keyring) Keys() []*Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var keys []*Key
	for _, domain := range r.domains {
		for _, stored := range domain.all {
			keys = append(keys, stored.key)
		}
	}
	slices.SortStableFunc(keys, func(a, b *Key) int { return cmp.Compare(a.Domain, b.Domain) })
	return keys
}

// writeNew never leaves a key cut short under its final name, nor replaces one.
func writeNew(path string, text []byte) error {
	draft, err := writeDraft(path, text)
	if err != nil {
		return err
	}
	defer os.Remove(draft)
	if err := os.Link(draft, path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s exists: choose another selector, a published key is not replaced", path)
		}
		return err
	}
	return nil
}

func writeActive(dir string, keys []*Key) error {
	var lines strings.Builder
	for _, k := range keys {
		lines.WriteString(k.Selector + "\n")
	}
	path := filepath.Join(dir, activeFile)
	draft, err := writeDraft(path, []byte(lines.String()))
	if err != nil {
		return err
	}
	return os.Rename(draft, path)
}

// writeDraft writes a file of mode 0600 beside path, on disk when it returns.
func writeDraft(path string, text []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}
