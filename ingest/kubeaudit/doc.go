// Package kubeaudit takes in the audit events of Kubernetes as its API server sends
// them to a webhook. Start at Door. What their members mean is the intake's to say
// (ingest.Decoder); it does not know who may send.
package kubeaudit
