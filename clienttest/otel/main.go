package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdk "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// patience is for an engine that is full, stops and starts again.
const patience = 2 * time.Minute

func run(ctx context.Context, protocol string) error {
	var failed atomic.Pointer[error]
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { failed.Store(&err) }))
	count, err := strconv.Atoi(os.Getenv("COUNT"))
	if err != nil {
		return err
	}
	exporter, err := newExporter(ctx, protocol)
	if err != nil {
		return err
	}
	provider := sdk.NewLoggerProvider(
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "cart"), attribute.String("host.name", "web-7"))),
		sdk.WithProcessor(sdk.NewBatchProcessor(exporter, sdk.WithExportMaxBatchSize(100), sdk.WithMaxQueueSize(count+1), sdk.WithExportTimeout(patience))),
	)
	logger := provider.Logger("checkout", log.WithInstrumentationVersion("1.2"))
	for i := range count {
		var r log.Record
		r.SetTimestamp(time.Now())
		r.SetSeverity(log.SeverityError)
		r.SetSeverityText("ERROR")
		r.SetBody(attribute.StringValue(fmt.Sprintf("go %s %d", protocol, i)))
		r.AddAttributes(attribute.Int("n", i), attribute.KeyValue{Key: "usr", Value: attribute.MapValue(attribute.String("id", "u1"))})
		logger.Emit(ctx, r)
	}
	if err := provider.Shutdown(ctx); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func newExporter(ctx context.Context, protocol string) (sdk.Exporter, error) {
	address, header := os.Getenv("ADDRESS"), map[string]string{"authorization": "Bearer " + os.Getenv("KEY")}
	if protocol == "grpc" {
		return otlploggrpc.New(ctx,
			otlploggrpc.WithEndpoint(address), otlploggrpc.WithInsecure(), otlploggrpc.WithHeaders(header), otlploggrpc.WithCompressor("gzip"),
			otlploggrpc.WithTimeout(patience), otlploggrpc.WithRetry(otlploggrpc.RetryConfig{Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: patience}))
	}
	return otlploghttp.New(ctx,
		otlploghttp.WithEndpoint(address), otlploghttp.WithInsecure(), otlploghttp.WithHeaders(header), otlploghttp.WithCompression(otlploghttp.GzipCompression),
		otlploghttp.WithTimeout(patience), otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: 200 * time.Millisecond, MaxInterval: time.Second, MaxElapsedTime: patience}))
}
