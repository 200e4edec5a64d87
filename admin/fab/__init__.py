"""The only package that imports flask_appbuilder."""
