// Package grok reads the grok dialect of log pipelines: rules made of regular
// expressions and %{matcher:attribute:filter} tokens that turn a text into attributes.
//
// It knows texts and JSON values (fastjson), no records, no processors, no clock.
//
// Start at Compile and Parser.Parse. The README of ingest/pipeline has what it costs.
package grok
