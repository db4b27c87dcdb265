package listfile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// sampleSize is how much of a text is looked at to find charset and delimiter.
const sampleSize = 64 << 10

// foreign are the first bytes of files that people upload by mistake.
var foreign = []struct{ magic, text string }{
	{"\xd0\xcf\x11\xe0", "an old Excel file (.xls) or one with a password; save it as .xlsx without a password, or as CSV"},
	{"%PDF", "a PDF; export the list as CSV"},
	{"7z\xbc\xaf", "a 7z archive; pack it with zip or gzip"},
	{"Rar!", "a RAR archive; pack it with zip or gzip"},
	{"BZh", "a bzip2 file; pack it with zip or gzip"},
	{"\xfd7zXZ", "an xz file; pack it with zip or gzip"},
	{"\x28\xb5\x2f\xfd", "a zstd file; pack it with zip or gzip"},
	{"SQLite format 3", "a database; export the list as CSV"},
}

// unpack looks through the packing and sets up the source.
func (rd *Reader) unpack() error {
	if rd.size == 0 {
		return flaw("the file is empty; export the list again")
	}
	magic := make([]byte, 4)
	if _, err := rd.in.ReadAt(magic, 0); err != nil && err != io.EOF {
		return err
	}
	rd.in.n = 0
	switch {
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")), bytes.HasPrefix(magic, []byte("PK\x05\x06")):
		return rd.unpackZip()
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		return rd.unpackGzip()
	}
	return rd.openPlain(io.NewSectionReader(rd.in, 0, rd.size))
}

func (rd *Reader) unpackGzip() error {
	rd.format.Packed = "gzip"
	gz, err := gzip.NewReader(bufio.NewReaderSize(io.NewSectionReader(rd.in, 0, rd.size), sampleSize))
	if err != nil {
		return damaged(err)
	}
	rd.closers = append(rd.closers, gz.Close)
	return rd.openPlain(rd.guarded(gz))
}

func (rd *Reader) unpackZip() error {
	// The directory of a hostile archive may be as large as the archive.
	rd.in.budget = int64(rd.limits.Entries) << 10
	archive, err := zip.NewReader(rd.in, rd.size)
	if rd.in.budget < 0 || err == nil && len(archive.File) > rd.limits.Entries {
		return flawf("the archive holds more than %d files; put one list file into it", rd.limits.Entries)
	}
	rd.in.budget, rd.in.n = 0, 0
	if err != nil {
		return damaged(err)
	}
	names := make(map[string]bool)
	for _, f := range archive.File {
		names[strings.ToLower(strings.ReplaceAll(f.Name, `\`, "/"))] = true
	}
	if names["xl/workbook.xml"] {
		return rd.openSpreadsheet(io.NewSectionReader(rd.in, 0, rd.size))
	}
	if names["content.xml"] && names["mimetype"] {
		return flaw("an OpenDocument file; save it as .xlsx or as CSV")
	}
	entry, err := listEntry(archive)
	if err != nil {
		return err
	}
	rd.format.Packed, rd.format.Entry = "zip", entry.Name
	if entry.Flags&1 != 0 {
		return flaw("the archive has a password; pack it without one")
	}
	f, err := entry.Open()
	if err != nil {
		return damaged(err)
	}
	rd.closers = append(rd.closers, f.Close)
	return rd.openPlain(rd.guarded(f))
}

// listEntry is the one list file of an archive.
func listEntry(archive *zip.Reader) (*zip.File, error) {
	var files, lists []*zip.File
	for _, f := range archive.File {
		if f.FileInfo().IsDir() || strings.HasPrefix(path.Base(f.Name), ".") || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		files = append(files, f)
		switch extension(f.Name) {
		case "csv", "tsv", "tab", "txt", "ndjson", "jsonl", "json", "xlsx":
			lists = append(lists, f)
		}
	}
	switch {
	case len(files) == 1:
		return files[0], nil
	case len(lists) == 1:
		return lists[0], nil
	case len(files) == 0:
		return nil, flaw("the archive is empty; put one list file into it")
	}
	return nil, flawf("the archive holds %d files (%s, %s, …); put one list file into it", len(files), files[0].Name, files[1].Name)
}

// openPlain sets up the source for an unpacked stream.
func (rd *Reader) openPlain(r io.Reader) error {
	br := bufio.NewReaderSize(r, sampleSize)
	sample, err := br.Peek(sampleSize)
	if err != nil && err != io.EOF {
		return err
	}
	if len(sample) == 0 {
		return flaw("the file is empty; export the list again")
	}
	for _, f := range foreign {
		if bytes.HasPrefix(sample, []byte(f.magic)) {
			return flaw("this is " + f.text)
		}
	}
	if bytes.HasPrefix(sample, []byte("PK\x03\x04")) {
		return rd.openSpreadsheet(br)
	}
	if bytes.HasPrefix(sample, []byte("\x1f\x8b")) {
		return flaw("packed twice; pack the list file once")
	}
	return rd.openText(br, sample)
}

func (rd *Reader) openText(br *bufio.Reader, sample []byte) error {
	charset, bom := detectCharset(sample)
	rd.format.Charset = charset
	if _, err := br.Discard(bom); err != nil {
		return err
	}
	text := decoder(charset, br)
	if text != io.Reader(br) { // the sample in UTF-8, for the delimiter
		recoded := bufio.NewReaderSize(text, sampleSize)
		text = recoded
		br = recoded
	}
	sample, err := br.Peek(sampleSize)
	if err != nil && err != io.EOF {
		return err
	}
	switch kind := jsonKind(sample); kind {
	case "ndjson", "json":
		rd.format.Kind = kind
		rd.src = newJSONSource(text, kind == "json", rd.limits)
	default:
		rd.format.Kind = "csv"
		d := sniffDialect(sample, err == io.EOF, extension(cmp.Or(rd.format.Entry, rd.name)), rd.limits)
		if d.delimiter != noDelimiter {
			rd.format.Delimiter = string(d.delimiter)
		}
		rd.src = newDelimited(text, d, rd.limits)
	}
	return nil
}

// guarded stops what unpacks to far more than a list would (X11), and turns
// decompression errors into flaws.
func (rd *Reader) guarded(r io.Reader) io.Reader { return &guard{r: r, in: rd.in, limits: rd.limits} }

type guard struct {
	r      io.Reader
	in     *counter
	out    int64
	limits Limits
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.out += int64(n)
	if g.out > g.limits.Total {
		return n, flawf("the file unpacks to more than %s; split it", size(g.limits.Total))
	}
	if g.out > ratioFrom && g.out/max(g.in.n, 1) > g.limits.Ratio {
		return n, flawf("the file unpacks to more than %d times its size; no list does (a zip bomb?)", g.limits.Ratio)
	}
	if err != nil && err != io.EOF {
		return n, damaged(err)
	}
	return n, err
}

// damaged words the errors of decompression; others pass.
func damaged(err error) error {
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok ||
		errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zip.ErrFormat) ||
		errors.Is(err, zip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		return flaw("the packed file is damaged or cut off; pack or upload it again")
	}
	if errors.Is(err, zip.ErrAlgorithm) {
		return flaw("the archive is packed by an unusual method; pack it with plain zip or gzip")
	}
	return fmt.Errorf("unpack: %w", err)
}

// counter counts the bytes read of the file, for progress and for the ratio, and
// bounds them while budget is positive.
type counter struct {
	r      io.ReaderAt
	n      int64
	budget int64
}

var errBudget = errors.New("directory too large")

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	if c.budget != 0 {
		if c.budget -= int64(len(p)); c.budget <= 0 {
			c.budget = -1
			return 0, errBudget
		}
	}
	n, err := c.r.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}
