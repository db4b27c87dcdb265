package campaign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/pelletier/go-toml/v2"

	"broadside/campaign/message"
)

const (
	maxSpecFile   = 2 << 20  // bytes of a campaign file
	maxAttachment = 10 << 20 // bytes of a file it names
)

// ReadSpecFile reads a campaign file: TOML, or YAML when its name ends in .yaml or
// .yml (docs/campaign-file.md has every key). Unknown keys are errors. The files it
// names are read from its own directory, 10 MB each at most; nothing outside of that
// directory can be named. Defaults are not filled in, and nothing is validated.
func ReadSpecFile(path string) (Spec, error) {
	dir, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return Spec{}, fmt.Errorf("opening the campaign file's directory: %w", err)
	}
	defer dir.Close()
	data, err := readCapped(dir, filepath.Base(path), maxSpecFile)
	if err != nil {
		return Spec{}, err
	}
	decode := decodeTOML
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".yaml", ".yml":
		decode = decodeYAML
	case ".toml":
	default:
		return Spec{}, fmt.Errorf("%s: a campaign file's name ends in .toml, .yaml or .yml, not %q", path, ext)
	}
	var s Spec
	if err := decode(data, &s); err != nil {
		return Spec{}, fmt.Errorf("%s: %w", path, err)
	}
	for _, files := range []struct {
		key  string
		list []message.File
	}{{"attachments", s.Attachments}, {"inline", s.Inline}} {
		if err := readFiles(dir, files.key, files.list); err != nil {
			return Spec{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return s, nil
}

// readFiles reads the files' data; a file without a name takes that of its path.
func readFiles(dir *os.Root, key string, files []message.File) error {
	for i := range files {
		f := &files[i]
		if f.Path == "" {
			return fmt.Errorf("%s[%d] has no path; name a file beside the campaign file", key, i)
		}
		data, err := readCapped(dir, filepath.FromSlash(f.Path), maxAttachment)
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", key, i, err)
		}
		f.Data = data
		if f.Name == "" {
			f.Name = filepath.Base(filepath.FromSlash(f.Path))
		}
	}
	return nil
}

func readCapped(dir *os.Root, name string, limit int64) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", name)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d MB; make it smaller, or link to it", name, limit>>20)
	}
	return data, nil
}

// wrongType stands for the libraries' words, which are about Go types.
const wrongType = "the value is of the wrong type; docs/campaign-file.md has an example of every key"

func decodeTOML(data []byte, s *Spec) error {
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(s)
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		var unknown []error
		for i := range strict.Errors {
			e := &strict.Errors[i]
			line, _ := e.Position()
			unknown = append(unknown, unknownKey(line, e.Key()[len(e.Key())-1]))
		}
		return errors.Join(unknown...)
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		text := strings.TrimPrefix(e.Error(), "toml: ")
		if strings.Contains(text, "struct field") {
			text = wrongType
		}
		return fmt.Errorf("line %d, column %d: %s", line, column, text)
	}
	return err
}

func decodeYAML(data []byte, s *Spec) error {
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	err := d.Decode(s)
	if errors.Is(err, io.EOF) {
		return nil // an empty file
	}
	if e, ok := errors.AsType[yaml.Error](err); ok {
		at := e.GetToken().Position
		if _, unknown := errors.AsType[*yaml.UnknownFieldError](err); unknown {
			return unknownKey(at.Line, e.GetToken().Value)
		}
		text := e.GetMessage()
		if _, is := errors.AsType[*yaml.TypeError](err); is {
			text = wrongType
		}
		return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, text)
	}
	if err == nil && !errors.Is(d.Decode(new(Spec)), io.EOF) {
		return errors.New("the file has more than one document; keep one campaign in a file")
	}
	return err
}

func unknownKey(line int, key string) error {
	if meant := nearKey(key); meant != "" {
		return fmt.Errorf("line %d: unknown key %q; did you mean %s?", line, key, meant)
	}
	return fmt.Errorf("line %d: unknown key %q; docs/campaign-file.md lists the keys", line, key)
}

// nearKey returns the key that was probably meant, or "".
func nearKey(key string) string {
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	bare := strings.ReplaceAll(key, "_", "")
	for _, known := range specKeys(reflect.TypeFor[Spec]()) {
		if bare == strings.ReplaceAll(known, "_", "") || oneSlip(key, known) {
			return known
		}
	}
	return ""
}

// specKeys returns the keys of a struct and of the structs in it.
func specKeys(t reflect.Type) []string {
	var keys []string
	for t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if key := f.Tag.Get("toml"); key != "" && key != "-" {
			keys = append(keys, key)
		}
		keys = append(keys, specKeys(f.Type)...)
	}
	return keys
}
