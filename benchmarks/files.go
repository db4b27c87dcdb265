package benchmarks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// WriteFiles writes the report to path.txt, path.json and path.html.
func (r *Report) WriteFiles(path string) error {
	var text, data, page bytes.Buffer
	if err := errors.Join(r.Text(&text), r.JSON(&data), r.HTML(&page)); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(path+".txt", text.Bytes(), 0o644),
		os.WriteFile(path+".json", data.Bytes(), 0o644),
		os.WriteFile(path+".html", page.Bytes(), 0o644))
}

// ReadFile reads a report that JSON wrote.
func ReadFile(path string) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s is no report: %w", path, err)
	}
	return &r, nil
}
