"""The six YAML specs and the project file: parse with line numbers, validate, write back."""

from cleanroom_ml.specs.analysis import Activation, Analysis, LocalViewMappings, TemplateConfiguration, ViewMappings
from cleanroom_ml.specs.base import API_VERSION
from cleanroom_ml.specs.code_spec import Artifact, CodeSpec, Function, MlJob, Procedure
from cleanroom_ml.specs.collaboration import AnalysisRunner, Collaboration, DataProvider, Reference
from cleanroom_ml.specs.column_types import COLUMN_TYPES, SQL_CHECKS
from cleanroom_ml.specs.data_offering import ColumnPolicy, DataOffering, Dataset
from cleanroom_ml.specs.edit import bump_version, replace_code_spec_reference, set_version_in_text
from cleanroom_ml.specs.load import load_project, load_spec
from cleanroom_ml.specs.ml_job_action import MlJobAction
from cleanroom_ml.specs.parse import Spec, SpecType, parse_as, parse_spec
from cleanroom_ml.specs.problems import Problem, SpecProblems
from cleanroom_ml.specs.project import COLLABORATION_FILE, PROJECT_FILE, Activate, Pool, Project, Run
from cleanroom_ml.specs.project_checks import validate_project
from cleanroom_ml.specs.requirements import Requirement, parse_requirement
from cleanroom_ml.specs.template import Parameter, PresetTable, Template
from cleanroom_ml.specs.template_text import CodeCall, SqlsafeExpression, code_calls, sqlsafe_expressions
from cleanroom_ml.specs.write import dump_spec

__all__ = [
    "API_VERSION",
    "COLLABORATION_FILE",
    "COLUMN_TYPES",
    "PROJECT_FILE",
    "SQL_CHECKS",
    "Activate",
    "Activation",
    "Analysis",
    "AnalysisRunner",
    "Artifact",
    "CodeCall",
    "CodeSpec",
    "Collaboration",
    "ColumnPolicy",
    "DataOffering",
    "DataProvider",
    "Dataset",
    "Function",
    "LocalViewMappings",
    "MlJob",
    "MlJobAction",
    "Parameter",
    "Pool",
    "PresetTable",
    "Problem",
    "Procedure",
    "Project",
    "Reference",
    "Requirement",
    "Run",
    "Spec",
    "SpecProblems",
    "SpecType",
    "SqlsafeExpression",
    "Template",
    "TemplateConfiguration",
    "ViewMappings",
    "bump_version",
    "code_calls",
    "dump_spec",
    "load_project",
    "load_spec",
    "parse_as",
    "parse_requirement",
    "parse_spec",
    "replace_code_spec_reference",
    "set_version_in_text",
    "sqlsafe_expressions",
    "validate_project",
]
