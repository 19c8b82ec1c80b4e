"""The screens of this version by name."""

from __future__ import annotations

from aistack_console.screens.alerts import AlertsScreen
from aistack_console.screens.approvals import ApprovalsScreen
from aistack_console.screens.asked import AskedScreen
from aistack_console.screens.audit import AuditScreen
from aistack_console.screens.base import BaseScreen
from aistack_console.screens.boot import BootScreen
from aistack_console.screens.chat import ChatScreen
from aistack_console.screens.checklist import ChecklistScreen
from aistack_console.screens.dashboard import DashboardScreen
from aistack_console.screens.doctor import DoctorScreen
from aistack_console.screens.federation import FederationScreen
from aistack_console.screens.knowledge import KnowledgeScreen
from aistack_console.screens.learning import LearningScreen
from aistack_console.screens.logs import LogsScreen
from aistack_console.screens.map import MapScreen
from aistack_console.screens.models import ModelsScreen
from aistack_console.screens.overview import OverviewScreen
from aistack_console.screens.past import PastScreen
from aistack_console.screens.resources import ResourcesScreen
from aistack_console.screens.routes import RoutesScreen
from aistack_console.screens.services import ServicesScreen
from aistack_console.screens.storage import StorageScreen
from aistack_console.screens.tasks import TasksScreen
from aistack_console.screens.traces import TracesScreen
from aistack_console.screens.training import TrainingScreen

SCREENS: dict[str, type[BaseScreen]] = {
    screen.NAME: screen
    for screen in (
        OverviewScreen,
        ServicesScreen,
        LogsScreen,
        ApprovalsScreen,
        TasksScreen,
        ChatScreen,
        MapScreen,
        LearningScreen,
        ResourcesScreen,
        AuditScreen,
        BootScreen,
        ChecklistScreen,
        DoctorScreen,
        StorageScreen,
        ModelsScreen,
        DashboardScreen,
        RoutesScreen,
        FederationScreen,
        TrainingScreen,
        TracesScreen,
        PastScreen,
        AlertsScreen,
        KnowledgeScreen,
        AskedScreen,
    )
}
"""In the order of their keys."""
