package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"nightjar/api"
	"nightjar/api/access"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
)

// binding is how one method is reached over HTTP.
type binding struct {
	verb, path string
	body       string // the field that the body is, `*` for the whole message
	// additional is one of a method that has another.
	additional bool
	method     protoreflect.MethodDescriptor
}

// bindings are those of gateway.yaml, with the descriptors that have comments.
func bindings() ([]binding, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(pb.Descriptors, &set); err != nil {
		return nil, fmt.Errorf("read descriptors: %w", err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("read descriptors: %w", err)
	}
	var doc struct{ HTTP struct{ Rules []httpRule } }
	if err := yaml.Unmarshal(pb.Gateway, &doc); err != nil {
		return nil, fmt.Errorf("read gateway.yaml: %w", err)
	}
	var out []binding
	for _, rule := range doc.HTTP.Rules {
		d, err := files.FindDescriptorByName(protoreflect.FullName(rule.Selector))
		if err != nil {
			return nil, fmt.Errorf("gateway.yaml: %s: %w", rule.Selector, err)
		}
		for i, r := range append([]httpRule{rule}, rule.Additional...) {
			b := binding{additional: i > 0, body: r.Body, method: d.(protoreflect.MethodDescriptor)}
			for verb, path := range map[string]string{"get": r.Get, "post": r.Post, "put": r.Put, "patch": r.Patch, "delete": r.Delete} {
				if path != "" {
					b.verb, b.path = verb, path
				}
			}
			out = append(out, b)
		}
	}
	return out, nil
}

// httpRule is a rule of gateway.yaml.
type httpRule struct {
	Selector, Get, Post, Put, Patch, Delete, Body string

	Additional []httpRule `yaml:"additional_bindings"`
}

type jsonObject = map[string]any

// openAPIDocument describes the REST form of all bindings, as OpenAPI 3.
func openAPIDocument(all []binding, version string, raw []string) ([]byte, error) {
	doc := openAPIWriter{schemas: jsonObject{"Error": errorSchema}}
	paths := jsonObject{}
	add := func(path, verb string, operation jsonObject) {
		if paths[path] == nil {
			paths[path] = jsonObject{}
		}
		paths[path].(jsonObject)[verb] = operation
	}
	for _, b := range all {
		add(b.path, b.verb, doc.operation(b))
	}
	for _, pattern := range raw {
		verb, path, _ := strings.Cut(pattern, " ")
		add(path, strings.ToLower(verb), jsonObject{"tags": []string{"Intake"}, "responses": jsonObject{"default": jsonObject{"description": "see the documentation of the intake"}}})
	}
	return json.Marshal(jsonObject{
		"openapi":    "3.0.3",
		"info":       jsonObject{"title": "nightjar", "version": version, "description": "Rules, signals and everything around them, wire-compatible with Datadog's security-monitoring API."},
		"security":   []jsonObject{{"key": []string{}}, {"bearer": []string{}}},
		"paths":      paths,
		"components": jsonObject{"schemas": doc.schemas, "securitySchemes": securitySchemes},
	})
}

var securitySchemes = jsonObject{
	"key":    jsonObject{"type": "apiKey", "in": "header", "name": "DD-API-KEY"},
	"bearer": jsonObject{"type": "http", "scheme": "bearer"},
}

var errorSchema = jsonObject{
	"type": "object", "required": []string{"errors"},
	"properties": jsonObject{
		"errors": jsonObject{"type": "array", "items": jsonObject{"type": "string"}},
		"error": jsonObject{"type": "object", "properties": jsonObject{
			"code": jsonObject{"type": "string"}, "message": jsonObject{"type": "string"},
			"details": jsonObject{"type": "array", "items": jsonObject{"type": "object", "properties": jsonObject{
				"code": jsonObject{"type": "string"}, "message": jsonObject{"type": "string"}, "target": jsonObject{"type": "string"},
			}}},
		}},
	},
}

type openAPIWriter struct{ schemas jsonObject }

func (w *openAPIWriter) operation(b binding) jsonObject {
	failed := jsonObject{"description": "refused", "content": jsonContent(jsonObject{"$ref": "#/components/schemas/Error"})}
	id := string(b.method.Name())
	op := jsonObject{
		"operationId": id + map[bool]string{true: "Own"}[b.additional],
		"tags":        []string{strings.TrimSuffix(string(b.method.Parent().Name()), "Service")},
		"description": comment(b.method),
		"responses":   jsonObject{"200": jsonObject{"description": "done", "content": w.answer(b.method.Output())}, "default": failed},
	}
	name := "/" + string(b.method.Parent().FullName()) + "/" + id
	if e, ok := access.OfMethod(name); ok {
		op["x-nightjar-method"], op["x-nightjar-permission"] = name, e.Need
	}
	if b.method.Output().FullName() == "google.protobuf.Empty" {
		op["responses"] = jsonObject{"204": jsonObject{"description": "done"}, "default": failed}
	}
	in := b.method.Input()
	var parameters []jsonObject
	for i := range in.Fields().Len() {
		fd := in.Fields().Get(i)
		name := string(fd.Name())
		switch {
		case strings.Contains(b.path, "{"+name+"}"):
			parameters = append(parameters, jsonObject{"name": name, "in": "path", "required": true, "schema": w.field(fd)})
		case b.body == name:
			op["requestBody"] = jsonObject{"required": true, "content": jsonContent(w.field(fd))}
		case b.body != "*":
			parameters = append(parameters, w.parameters(fd, fd.JSONName())...)
		}
	}
	if b.body == "*" {
		op["requestBody"] = jsonObject{"required": true, "content": jsonContent(w.ref(in))}
	}
	if len(parameters) > 0 {
		op["parameters"] = parameters
	}
	return op
}

// parameters are the URL parameters of a field: `page[size]` for one inside.
func (w *openAPIWriter) parameters(fd protoreflect.FieldDescriptor, name string) (out []jsonObject) {
	switch {
	case fd.Message() != nil && fd.Message().FullName().Parent() != "nightjar.v1":
		return nil // a mask, which REST has no need of
	case fd.Message() == nil:
		return []jsonObject{{"name": name, "in": "query", "description": comment(fd), "schema": w.field(fd)}}
	}
	for i := range fd.Message().Fields().Len() {
		inner := fd.Message().Fields().Get(i)
		out = append(out, w.parameters(inner, name+"["+inner.JSONName()+"]")...)
	}
	return out
}

// answer is the content of an answer, by its media type.
func (w *openAPIWriter) answer(m protoreflect.MessageDescriptor) jsonObject {
	switch isJSONAPI, _ := proto.GetExtension(m.Options(), pb.E_JsonApi).(bool); {
	case m.FullName() == "nightjar.v1.File":
		return jsonObject{"application/octet-stream": jsonObject{"schema": jsonObject{"type": "string", "format": "binary"}}}
	case isJSONAPI:
		return jsonObject{"application/vnd.api+json": jsonObject{"schema": w.ref(m)}}
	}
	return jsonContent(w.ref(m))
}

func jsonContent(schema any) jsonObject {
	return jsonObject{"application/json": jsonObject{"schema": schema}}
}

// ref is a reference to the message's schema, which it writes the first time.
func (w *openAPIWriter) ref(m protoreflect.MessageDescriptor) jsonObject {
	if m.FullName().Parent() != "nightjar.v1" {
		return jsonObject{} // any value
	}
	name := string(m.Name())
	if _, written := w.schemas[name]; !written {
		properties := jsonObject{}
		w.schemas[name] = jsonObject{"type": "object", "description": comment(m), "properties": properties}
		for i := range m.Fields().Len() {
			fd := m.Fields().Get(i)
			if codec.IsOnlyGRPC(fd) {
				continue
			}
			text := comment(fd)
			if typed := codec.TypedOf(fd); typed != nil {
				text = comment(typed)
			}
			properties[codec.Key(fd)] = described(w.field(fd), text)
		}
	}
	return jsonObject{"$ref": "#/components/schemas/" + name}
}

func described(schema jsonObject, text string) jsonObject {
	if text == "" {
		return schema
	}
	if _, isRef := schema["$ref"]; isRef { // nothing may stand beside a reference
		return jsonObject{"allOf": []jsonObject{schema}, "description": text}
	}
	schema["description"] = text
	return schema
}

func (w *openAPIWriter) field(fd protoreflect.FieldDescriptor) jsonObject {
	switch {
	case fd.IsMap():
		return jsonObject{"type": "object", "additionalProperties": w.value(fd.MapValue())}
	case fd.IsList():
		return w.nullable(fd, jsonObject{"type": "array", "items": w.value(fd)})
	}
	return w.nullable(fd, w.value(fd))
}

func (w *openAPIWriter) nullable(fd protoreflect.FieldDescriptor, schema jsonObject) jsonObject {
	if codec.HasOption(fd, pb.E_NullEmpty) {
		schema["nullable"] = true
	}
	return schema
}

func (w *openAPIWriter) value(fd protoreflect.FieldDescriptor) jsonObject {
	if codec.TypedOf(fd) != nil || codec.HasOption(fd, pb.E_Text) {
		return jsonObject{}
	}
	switch fd.Kind() {
	case protoreflect.StringKind:
		return jsonObject{"type": "string"}
	case protoreflect.BoolKind:
		return jsonObject{"type": "boolean"}
	case protoreflect.DoubleKind:
		return jsonObject{"type": "number", "format": "double"}
	case protoreflect.MessageKind:
		return w.ref(fd.Message())
	case protoreflect.Int32Kind:
		return jsonObject{"type": "integer", "format": "int32"}
	}
	return jsonObject{"type": "integer", "format": "int64"}
}

// comment is what the .proto says above the declaration.
func comment(d protoreflect.Descriptor) string {
	return strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

// documents are /openapi.json and /api/reference.
type documents struct{ openAPI, reference []byte }

// writeDocuments makes both. They are what the program and its doors are, so they are
// made once, for the first who asks: most runs of an engine end before anybody does.
func (h *Handler) writeDocuments() (documents, error) {
	var raw []string
	for pattern := range h.deps.Raw {
		if strings.HasPrefix(pattern, "/") { // a door, which takes bodies
			pattern = "POST " + pattern
		}
		if !strings.Contains(pattern, "{") { // those are other ways to the same
			raw = append(raw, pattern)
		}
	}
	sort.Strings(raw)
	all, err := bindings()
	if err != nil {
		return documents{}, err
	}
	openAPI, err := openAPIDocument(all, h.deps.Version, raw)
	if err != nil {
		return documents{}, err
	}
	reference, err := referencePage(all, raw)
	return documents{openAPI, []byte(reference)}, err
}

func (h *Handler) openAPI(w http.ResponseWriter, r *http.Request) {
	h.document(w, r, "application/json", func(d documents) []byte { return d.openAPI })
}

func (h *Handler) reference(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.document(w, r, "text/html; charset=utf-8", func(d documents) []byte { return d.reference })
}

func (h *Handler) document(w http.ResponseWriter, r *http.Request, contentType string, which func(documents) []byte) {
	made, err := h.documents()
	if err != nil {
		api.Describe(r.Context(), h.deps.Log, err).Write(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	_, _ = w.Write(which(made)) // the caller has gone: nobody to tell
}
