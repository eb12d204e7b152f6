// Reads setups of spymemcached's locators as php_memcached.php does, and answers in the same way.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.spy.memcached.ArrayModNodeLocator;
import net.spy.memcached.DefaultConnectionFactory;
import net.spy.memcached.DefaultHashAlgorithm;
import net.spy.memcached.KetamaNodeKeyFormatter;
import net.spy.memcached.KetamaNodeLocator;
import net.spy.memcached.MemcachedNode;
import net.spy.memcached.NodeLocator;

public class Spymemcached {
  // The items of the array that is the value of `name`, by a pattern of theirs.
  static List<Matcher> items(String line, String name, String item) {
    int begin = line.indexOf("\"" + name + "\":[") + name.length() + 4;
    int end = line.indexOf(name.equals("keys") ? "]" : "]]", begin);
    List<Matcher> found = new ArrayList<>();
    if (line.charAt(begin) == ']') return found;
    Matcher matcher = Pattern.compile(item).matcher(line.substring(begin, end + 1));
    while (matcher.find()) {
      Matcher copy = Pattern.compile(item).matcher(matcher.group());
      copy.matches();
      found.add(copy);
    }
    return found;
  }

  static byte[] bytes(String host, int number) {
    String[] parts = host.split("\\.");
    if (host.matches("[0-9.]+")) {
      byte[] address = new byte[4];
      for (int i = 0; i < 4; ++i) address[i] = (byte) Integer.parseInt(parts[i]);
      return address;
    }
    return new byte[] {10, 99, (byte) (number / 256), (byte) number};
  }

  static NodeLocator locator(List<MemcachedNode> nodes, Map<String, String> options,
      Map<InetSocketAddress, Integer> weights) {
    DefaultHashAlgorithm hash =
        DefaultHashAlgorithm.valueOf(options.getOrDefault("hashAlg", "KETAMA_HASH"));
    if (options.getOrDefault("locator", "CONSISTENT").equals("ARRAY_MOD")) {
      return new ArrayModNodeLocator(nodes, hash);
    }
    return new KetamaNodeLocator(nodes, hash,
        KetamaNodeKeyFormatter.Format.valueOf(options.getOrDefault("format", "SPYMEMCACHED")),
        options.getOrDefault("weights", "false").equals("true") ? weights : new HashMap<>());
  }

  static String answer(String line) throws Exception {
    Map<String, String> options = new HashMap<>();
    for (Matcher option : items(line, "options", "\\[\"([^\"]*)\",\"([^\"]*)\"")) {
      options.put(option.group(1), option.group(2));
    }
    DefaultConnectionFactory factory = new DefaultConnectionFactory();
    List<MemcachedNode> nodes = new ArrayList<>();
    Map<InetSocketAddress, Integer> weights = new HashMap<>();
    Map<MemcachedNode, String> names = new HashMap<>();
    for (Matcher server : items(line, "servers", "\\[\"([^\"]*)\",([0-9]+),([0-9]+)")) {
      String host = server.group(1);
      // Named without a look-up, as a resolver would have named it.
      InetSocketAddress address = new InetSocketAddress(
          InetAddress.getByAddress(host.matches("[0-9.]+")
                  && options.getOrDefault("format", "SPYMEMCACHED").equals("SPYMEMCACHED")
                  ? null : host, bytes(host, nodes.size())),
          Integer.parseInt(server.group(2)));
      MemcachedNode node = factory.createMemcachedNode(address, SocketChannel.open(), 1024);
      node.getChannel().close();
      nodes.add(node);
      names.put(node, host + ":" + server.group(2));
      weights.put(address, Integer.parseInt(server.group(3)));
    }
    NodeLocator locator = locator(nodes, options, weights);
    StringBuilder owners = new StringBuilder("[");
    for (Matcher key : items(line, "keys", "\"([0-9a-f]*)\"")) {
      String text = new String(HexFormat.of().parseHex(key.group(1)), StandardCharsets.UTF_8);
      if (owners.length() > 1) owners.append(',');
      owners.append('"').append(names.get(locator.getPrimary(text))).append('"');
    }
    return owners.append(']').toString();
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(answer(line));
    }
  }
}
