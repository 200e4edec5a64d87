package webchatagent.testnode;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.http.HttpServerTransport;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * One node on 127.0.0.1. args: homeDir dataDir usersDir version port. Prints "READY <port>" once it can be asked, and ends
 * when no process lives any more whose pid is the name of a file in usersDir: nobody has to stop it.
 */
public final class OneNode {
    private static final class Embedded extends Node {
        Embedded(Environment env) {
            super(env, PluginsLoader.createPluginsLoader(
                PluginsLoader.loadModulesBundles(env.modulesDir()), Set.of(), Map.of(), false));
        }
    }

    private static boolean isUsed(Path users) {
        String[] names = users.toFile().list();
        return names != null && java.util.Arrays.stream(names)
            .anyMatch(n -> ProcessHandle.of(Long.parseLong(n)).map(ProcessHandle::isAlive).orElse(false));
    }

    public static void main(String[] a) throws Exception {
        Path home = Path.of(a[0]).toAbsolutePath();
        Path users = Path.of(a[2]);
        Path module = home.resolve("modules").resolve("transport-netty4");
        // The published jar carries no descriptor; the distribution build writes it. Values must match the running server/JVM.
        Files.write(module.resolve("plugin-descriptor.properties"), List.of(
            "name=transport-netty4", "description=http and transport", "version=" + a[3],
            "elasticsearch.version=" + a[3], "java.version=" + Runtime.version().feature(),
            "classname=org.elasticsearch.transport.netty4.Netty4Plugin"));
        for (String d : new String[] { "config", "plugins", "lib" }) Files.createDirectories(home.resolve(d));
        LogConfigurator.configureESLogging();
        Settings s = Settings.builder()
            .put("path.home", home.toString()).put("path.data", Path.of(a[1]).toAbsolutePath().toString())
            .put("path.logs", home.resolve("logs").toString())
            .put("cluster.name", "webchatagent-test").put("node.name", "n1").put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1").put("http.port", a[4]).put("transport.port", "0")
            .put("node.processors", 2).put("indices.breaker.total.use_real_memory", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("action.destructive_requires_name", false)
            .build();
        Node node = new Embedded(new Environment(s, home.resolve("config")));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { try { node.close(); } catch (Exception ignored) { } }));
        node.start();
        System.out.println("READY " + node.injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress().getPort());
        System.out.flush();
        while (isUsed(users)) Thread.sleep(1000);
        System.exit(0);
    }
}
