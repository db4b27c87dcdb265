package api_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"broadside/campaign/account"
)

// document is the part of the served OpenAPI document that calls are made from.
type document struct {
	OpenAPI    string                          `json:"openapi"`
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Method, Path string `json:"-"`
	ID           string `json:"operationId"`
	Parameters   []struct {
		Name, In string
		Required bool
		Schema   schema
	}
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]struct{ Schema schema }
	}
	Security []map[string][]string
}

type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 any               `json:"type"` // a name or several
	Enum                 []any             `json:"enum"`
	Format               string            `json:"format"`
	Required             []string          `json:"required"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties any               `json:"additionalProperties"`
	Items                *schema           `json:"items"`
	MaxLength            int               `json:"maxLength"`
}

// document reads what is served.
func (w *world) document() document {
	w.Helper()
	var d document
	w.do("GET", "/openapi.json", nil, 200, &d)
	return d
}

// operations lists what the document has, by path and method.
func (d document) operations(t testing.TB) []operation {
	t.Helper()
	var list []operation
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			op := d.Paths[path][method]
			op.Method, op.Path = strings.ToUpper(method), path
			list = append(list, op)
		}
	}
	if len(list) < 40 {
		t.Fatalf("the document has only %d operations", len(list))
	}
	return list
}

// need is the permission that the document names.
func (op operation) need(t testing.TB) account.Permission {
	t.Helper()
	for _, s := range op.Security {
		if names, ok := s["token"]; ok {
			return must(account.ParsePermissions(names))(t)
		}
	}
	t.Errorf("%s names no permission", op.ID)
	return 0
}

// body is the schema of the JSON that an operation takes.
func (op operation) body(d document) (schema, bool) {
	c, ok := op.RequestBody.Content["application/json"]
	return d.resolve(c.Schema), ok
}

func (d document) resolve(s schema) schema {
	if s.Ref == "" {
		return s
	}
	return d.Components.Schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")]
}

// success is the documented status of an answer that is no error.
func (op operation) success() string {
	for status := range op.Responses {
		if strings.HasPrefix(status, "2") {
			return status
		}
	}
	return ""
}

// example makes a value that a schema allows.
func (d document) example(s schema) any {
	s = d.resolve(s)
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	switch name, _ := s.Type.(string); name {
	case "string":
		return "some text"
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		return []any{d.example(*s.Items)}
	case "object":
		o := map[string]any{}
		for _, name := range s.Required {
			o[name] = d.example(s.Properties[name])
		}
		return o
	}
	return nil
}

// request makes a call from the document; values has parameters and, under "body.",
// properties that are not left to the examples.
func (op operation) request(t testing.TB, d document, values map[string]any) request {
	t.Helper()
	r := request{method: op.Method, path: op.Path, header: map[string]string{}}
	query := url.Values{}
	for _, p := range op.Parameters {
		v, given := values[p.Name]
		if !given && p.Required {
			v, given = d.example(p.Schema), true
		}
		text, ok := v.(string)
		if !ok {
			text = strings.Trim(string(must(json.Marshal(v))(t)), `"`)
		}
		switch {
		case p.In == "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", url.PathEscape(text))
		case p.In == "header" && given:
			r.header[p.Name] = text
		case p.In == "query" && given:
			query.Set(p.Name, text)
		}
	}
	if len(query) > 0 {
		r.path += "?" + query.Encode()
	}
	if s, ok := op.body(d); ok {
		o := d.example(s).(map[string]any)
		for name, v := range values {
			if property, ok := strings.CutPrefix(name, "body."); ok {
				o[property] = v
			}
		}
		r.kind, r.body = "application/json", must(json.Marshal(o))(t)
	} else if len(op.RequestBody.Content) > 0 {
		r.kind, r.body = slices.Sorted(maps.Keys(op.RequestBody.Content))[0], []byte("email\neve@example.org\n")
	}
	return r
}
