"""Go's text/template, of our own: the language in which alert annotations and notifications are written."""

from services.common.gotemplate.errors import FunctionError, TemplateError
from services.common.gotemplate.limits import Limits
from services.common.gotemplate.template import Template, TemplateSet, parse
from services.common.gotemplate.values import Function, function

__all__ = ["Function", "FunctionError", "Limits", "Template", "TemplateError", "TemplateSet", "function", "parse"]
