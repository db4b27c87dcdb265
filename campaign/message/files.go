package message

import (
	"fmt"
	"mime"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxFiles bounds the files of a message together; most servers take no more.
const maxFiles = 25 << 20

// inlineName is what a cid: URL can name without being encoded (RFC 2392).
var inlineName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

var cidURL = regexp.MustCompile(`\bcid:([A-Za-z0-9._%@-]+)`)

// fileTypes are the media types by extension: a table of our own, because the
// system's differs from machine to machine.
var fileTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".svg": "image/svg+xml", ".pdf": "application/pdf", ".ics": "text/calendar", ".vcf": "text/vcard",
	".txt": "text/plain", ".csv": "text/csv", ".html": "text/html", ".json": "application/json",
	".zip": "application/zip", ".mp3": "audio/mpeg", ".mp4": "video/mp4",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}

// checkFiles returns the files with bare names and media types, and what is wrong.
func checkFiles(src Source) (attachments, inline []File, errs []error) {
	total := 0
	check := func(field string, files []File) []File {
		var out []File
		for i, f := range files {
			name := fmt.Sprintf("%s[%d]", field, i)
			f.Name = bareName(f.Name)
			if f.Name == "" {
				errs = append(errs, problemf(name, 0, "has no name; give it one"))
				continue
			}
			if f.Type == "" {
				f.Type = fileTypes[strings.ToLower(path.Ext(f.Name))]
			}
			if f.Type == "" {
				f.Type = "application/octet-stream"
			}
			t, ok := mediaType(f)
			if !ok {
				errs = append(errs, problemf(name, 0, "%q is not the media type of a file; write one like image/png", f.Type))
			}
			f.Type = t
			total += len(f.Data)
			out = append(out, f)
		}
		return out
	}
	attachments, inline = check("attachments", src.Attachments), check("inline", src.Inline)
	seen := map[string]bool{}
	for i, f := range inline {
		if !inlineName.MatchString(f.Name) {
			errs = append(errs, problemf(fmt.Sprintf("inline[%d]", i), 0, "%q must be letters, digits, dots and hyphens, to be named by cid:", f.Name))
		}
		if seen[f.Name] {
			errs = append(errs, problemf(fmt.Sprintf("inline[%d]", i), 0, "%q is there twice; rename one", f.Name))
		}
		seen[f.Name] = true
	}
	if total > maxFiles {
		errs = append(errs, problemf("attachments", 0, "the files have %d MB together, at most %d MB are taken by most servers; link to them instead", total>>20, maxFiles>>20))
	}
	return attachments, inline, errs
}

// mediaType returns a file's Content-Type, text with its charset. Composite types
// must not be base64 (RFC 2046 §5).
func mediaType(f File) (string, bool) {
	t, params, err := mime.ParseMediaType(f.Type)
	if err != nil || !strings.Contains(t, "/") || strings.HasPrefix(t, "multipart/") || strings.HasPrefix(t, "message/") {
		return "", false
	}
	if strings.HasPrefix(t, "text/") && params["charset"] == "" && utf8.Valid(f.Data) {
		params["charset"] = "utf-8"
	}
	return mime.FormatMediaType(t, params), true
}

// bareName strips directories and control characters off a file name (RFC 2183 §2.3).
func bareName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == '\uFFFD' {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if strings.Trim(name, ".") == "" || len(name) > 200 {
		return ""
	}
	return name
}

// disposition makes a Content-Disposition with the file's name, in RFC 2231's
// encoding and sections when it needs them.
func disposition(kind, name string) string {
	if inlineName.MatchString(name) && len(name) <= 50 {
		return fmt.Sprintf(`%s; filename="%s"`, kind, name)
	}
	encoded := strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	if len(encoded) <= 50 {
		return kind + ";\r\n filename*=UTF-8''" + encoded
	}
	var b strings.Builder
	b.WriteString(kind)
	for i := 0; encoded != ""; i++ {
		n := min(50, len(encoded))
		if at := strings.LastIndexByte(encoded[:n], '%'); n < len(encoded) && at > n-3 {
			n = at // an encoded byte stays whole
		}
		charset := ""
		if i == 0 {
			charset = "UTF-8''"
		}
		fmt.Fprintf(&b, ";\r\n filename*%d*=%s%s", i, charset, encoded[:n])
		encoded = encoded[n:]
	}
	return b.String()
}

// cidProblems lists the references to inline files that are not there.
func cidProblems(field string, doc *marked, inline []File) []error {
	var errs []error
	for _, m := range cidURL.FindAllStringSubmatchIndex(doc.text, -1) {
		if name := doc.text[m[2]:m[3]]; !hasFile(inline, name) {
			errs = append(errs, problemf(field, doc.lineAt(m[0]), "cid:%s names no inline file; add it under inline", name))
		}
	}
	return errs
}

// linkFiles gives the references to inline files the domain of their Content-ID.
func linkFiles(text, domain string) string {
	return cidURL.ReplaceAllString(text, "${0}@"+domain)
}

func hasFile(files []File, name string) bool {
	for _, f := range files {
		if f.Name == name {
			return true
		}
	}
	return false
}
