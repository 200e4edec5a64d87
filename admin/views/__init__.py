"""The screens of the admin, one module per noun: declarative specs and small pages."""
