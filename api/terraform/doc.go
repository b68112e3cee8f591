// Package terraform writes what users configured as Terraform, for the reference's
// provider. Start at Rule. The layout is that of the reference's converter; the quoting
// is HCL's own writer's, so that no text of a user ends a string
// (TestTerraformKeepsHostileTexts).
//
// It reads nothing from anywhere: services/rules has the objects and checks them.
package terraform
