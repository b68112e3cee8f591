package pipeline

import (
	"maps"
	"slices"
)

// Processor is one step of a pipeline: its document, and what it does.
type Processor interface {
	base() *Base
	// run does it. What it could not do has changed nothing.
	run(x *run) outcome
}

// Base is what processors of all types have.
type Base struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
	// Enabled is nil where there is no such flag: within an array-map and a schema
	// processor.
	Enabled *bool `json:"is_enabled,omitempty"`

	place string // its path in the document
	dear  bool   // the clock is asked before it begins
}

func (b *Base) base() *Base { return b }

func (b *Base) enabled() bool { return b.Enabled == nil || *b.Enabled }

// reader reads a processor of one type.
type reader func(*object, Base) Processor

// readers are the types that may stand at a level.
var readers map[level]map[string]reader

func init() { // the readers of pipelines read processors
	all := map[string]reader{
		"grok-parser":              readGrok,
		"syslog-parser":            readSyslogParser,
		"host-remapper":            readHostRemapper,
		"date-remapper":            readDateRemapper,
		"status-remapper":          readStatusRemapper,
		"service-remapper":         readServiceRemapper,
		"message-remapper":         readMessageRemapper,
		"trace-id-remapper":        readTraceRemapper,
		"span-id-remapper":         readSpanRemapper,
		"attribute-remapper":       readAttributeRemapper,
		"category-processor":       readCategory,
		"arithmetic-processor":     readArithmetic,
		"string-builder-processor": readStringBuilder,
		"lookup-processor":         readAnyLookup,
		"url-parser":               readURLParser,
		"user-agent-parser":        readUserAgentParser,
		"geo-ip-parser":            readGeoIPParser,
		"array-processor":          readArray,
		"array-map-processor":      readArrayMap,
		"decoder-processor":        readDecoder,
		"exclude-attribute":        readExclude,
		"schema-processor":         readSchema,
		"scrub":                    readScrub,
		"merge-processor":          readMerge,
		"auditd-parser":            readAuditd,
	}
	top := maps.Clone(all)
	top["pipeline"] = readNested
	readers = map[level]map[string]reader{
		topLevel:    top,
		nestedLevel: all,
		elementLevel: {
			"attribute-remapper":       readElementRemapper,
			"string-builder-processor": readStringBuilder,
			"arithmetic-processor":     readArithmetic,
			"category-processor":       readCategory,
		},
		mapperLevel: {
			"schema-remapper":        readSchemaRemapper,
			"schema-category-mapper": readSchemaCategories,
		},
	}
}

func kinds(l level) []string { return slices.Sorted(maps.Keys(readers[l])) }
