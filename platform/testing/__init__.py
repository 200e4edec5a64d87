"""What plugin authors test with: a platform in a temporary folder, two tenants, a scripted model."""
